package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	v1 "github.com/aws/karpenter-provider-aws/pkg/apis/v1"
	"github.com/aws/karpenter-provider-aws/pkg/providers/instancetype"
	"github.com/awslabs/operatorpkg/status"
	"github.com/samber/lo"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	kwok "sigs.k8s.io/karpenter/kwok/cloudprovider"
	karpv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/controllers/nodeoverlay"
	"sigs.k8s.io/karpenter/pkg/operator/options"
	"sigs.k8s.io/karpenter/pkg/scheduling"
)

const (
	// kwokClass is the one class of kwok's nodes, which says nothing of them.
	kwokClass = "rehearsal"
	// imageAnnotation keeps what a class named as its image when a node was made.
	imageAnnotation = "rehearsal.slipway.dev/image"
)

// account is what EC2 has: the types of instances that can be had, and reserved ones.
type account struct {
	Region       string        `json:"region"`
	Zones        []string      `json:"zones"`
	Types        []offer       `json:"types"`
	Reservations []reservation `json:"reservations"`
}

// reservation is a capacity reservation of the account.
type reservation struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Zone      string `json:"zone"`
	Instances int    `json:"instances"`
}

// offer is a type of instances: EC2's own description, and in which zones, how and for how much an hour it is there.
type offer struct {
	Described ec2types.InstanceTypeInfo `json:"described"`
	Zones     []string                  `json:"zones"`
	HourlyUSD map[string]float64        `json:"hourly_usd"`
}

type provider struct {
	*kwok.CloudProvider
	client   client.Client
	account  *account
	overlays *nodeoverlay.InstanceTypeStore
}

func newProvider(kube client.Client, offers *account, overlays *nodeoverlay.InstanceTypeStore) *provider {
	return &provider{kwok.NewCloudProvider(context.Background(), kube, nil), kube, offers, overlays}
}

func (p *provider) GetSupportedNodeClasses() []status.Object {
	return []status.Object{&v1.EC2NodeClass{}}
}

func (p *provider) GetInstanceTypes(ctx context.Context, pool *karpv1.NodePool) ([]*cloudprovider.InstanceType, error) {
	class, err := p.class(ctx, pool.Spec.Template.Spec.NodeClassRef.Name)
	if err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return p.types(ctx, class)
}

// Create makes a node of the cheapest type that the claim allows, as kwok's own provider does.
func (p *provider) Create(ctx context.Context, claim *karpv1.NodeClaim) (*karpv1.NodeClaim, error) {
	class, err := p.class(ctx, claim.Spec.NodeClassRef.Name)
	if apierrors.IsNotFound(err) {
		return nil, cloudprovider.NewInsufficientCapacityError(fmt.Errorf("finding the class of nodes: %w", err))
	}
	if err != nil {
		return nil, err
	}
	if ready := class.StatusConditions().Get(status.ConditionReady); !ready.IsTrue() {
		return nil, cloudprovider.NewNodeClassNotReadyError(errors.New(ready.Message))
	}
	types, err := p.types(ctx, class)
	if err != nil {
		return nil, err
	}
	if pool := claim.Labels[karpv1.NodePoolLabelKey]; pool != "" && options.FromContext(ctx).FeatureGates.NodeOverlay {
		if types, err = p.overlays.ApplyAll(pool, types); err != nil {
			return nil, err
		}
	}
	wanted := claim.DeepCopy()
	wanted.Spec.NodeClassRef.Name = kwokClass
	made, err := kwok.NewCloudProvider(ctx, whole{p.client, types}, types).Create(ctx, wanted)
	if err != nil {
		return nil, err
	}
	kind := named(types, made.Labels[corev1.LabelInstanceTypeStable])
	made.Status.Capacity, made.Status.Allocatable = kind.Capacity, kind.Allocatable()
	made.Annotations = lo.Assign(made.Annotations, map[string]string{
		v1.AnnotationEC2NodeClassHash:        class.Hash(lo.ToPtr("")),
		v1.AnnotationEC2NodeClassHashVersion: v1.EC2NodeClassHashVersion,
		imageAnnotation:                      image(class),
	})
	return made, nil
}

// IsDrifted compares a node with its class, as the provider for AWS does. Of images only their names are compared: which
// one a name stands for is what an account knows.
func (p *provider) IsDrifted(ctx context.Context, claim *karpv1.NodeClaim) (cloudprovider.DriftReason, error) {
	class, err := p.class(ctx, claim.Spec.NodeClassRef.Name)
	if err != nil {
		return "", client.IgnoreNotFound(err)
	}
	if claim.Annotations[imageAnnotation] != image(class) {
		return "AMIDrift", nil
	}
	if claim.Annotations[v1.AnnotationEC2NodeClassHash] != class.Hash(lo.ToPtr("")) {
		return "NodeClassDrift", nil
	}
	return "", nil
}

func (p *provider) class(ctx context.Context, name string) (*v1.EC2NodeClass, error) {
	found := &v1.EC2NodeClass{}
	return found, p.client.Get(ctx, client.ObjectKey{Name: name}, found)
}

// types says what the account offers to a class: sizes and labels by the provider for AWS, from EC2's description.
// As there it fails until the class has its zones, so that whoever asks too early asks again.
func (p *provider) types(ctx context.Context, class *v1.EC2NodeClass) ([]*cloudprovider.InstanceType, error) {
	if len(class.Status.Subnets) == 0 {
		return nil, fmt.Errorf("no subnets found for %s", class.Name)
	}
	resolver := instancetype.NewDefaultResolver(p.account.Region)
	return lo.Map(p.account.Types, func(has offer, _ int) *cloudprovider.InstanceType {
		kind := resolver.Resolve(ctx, has.Described, has.Zones, class)
		for _, zone := range kind.Requirements.Get(corev1.LabelTopologyZone).Values() {
			for way, price := range has.HourlyUSD {
				kind.Offerings = append(kind.Offerings, &cloudprovider.Offering{
					Requirements: among(way, zone), Price: price, Available: true,
				})
			}
		}
		for _, has := range p.account.Reservations {
			if has.Type == kind.Name && names(class, has.ID) {
				kind.Offerings = append(kind.Offerings, &cloudprovider.Offering{
					Requirements: among(karpv1.CapacityTypeReserved, has.Zone, has.ID), Available: true,
					ReservationCapacity: has.Instances,
				})
			}
		}
		return kind
	}), nil
}

// among says what a pod or a pool may ask of an offering; one that is reserved names its reservation, the others none.
func among(way, zone string, reservations ...string) scheduling.Requirements {
	labels := map[string][]string{karpv1.CapacityTypeLabelKey: {way}, corev1.LabelTopologyZone: {zone}}
	if len(reservations) > 0 {
		labels[v1.LabelCapacityReservationID] = reservations
		labels[v1.LabelCapacityReservationType] = []string{string(v1.CapacityReservationTypeDefault)}
		labels[v1.LabelCapacityReservationInterruptible] = []string{"false"}
	}
	found := scheduling.NewRequirements()
	for _, label := range []string{
		karpv1.CapacityTypeLabelKey, corev1.LabelTopologyZone, v1.LabelCapacityReservationID,
		v1.LabelCapacityReservationType, v1.LabelCapacityReservationInterruptible,
	} {
		relation := lo.Ternary(len(labels[label]) > 0, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpDoesNotExist)
		found.Add(scheduling.NewRequirement(label, relation, labels[label]...))
	}
	return found
}

func names(class *v1.EC2NodeClass, reservation string) bool {
	return lo.ContainsBy(class.Spec.CapacityReservationSelectorTerms, func(term v1.CapacityReservationSelectorTerm) bool {
		return term.ID == reservation
	})
}

// whole completes the nodes that kwok's provider makes: it gives them the capacity that pods asked for, not the type's.
type whole struct {
	client.Client
	types []*cloudprovider.InstanceType
}

func (w whole) Create(ctx context.Context, object client.Object, how ...client.CreateOption) error {
	if node, ok := object.(*corev1.Node); ok {
		kind := named(w.types, node.Labels[corev1.LabelInstanceTypeStable])
		node.Status.Capacity, node.Status.Allocatable = kind.Capacity, kind.Allocatable()
	}
	return w.Client.Create(ctx, object, how...)
}

func named(types []*cloudprovider.InstanceType, name string) *cloudprovider.InstanceType {
	return lo.Must(lo.Find(types, func(kind *cloudprovider.InstanceType) bool { return kind.Name == name }))
}

func image(class *v1.EC2NodeClass) string {
	return string(lo.Must(json.Marshal(class.Spec.AMISelectorTerms)))
}
