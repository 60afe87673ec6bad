package main

import (
	"context"
	"fmt"

	v1 "github.com/aws/karpenter-provider-aws/pkg/apis/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	controllerruntime "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// classes stands in for what the provider for AWS asks an account about a class: it makes each ready at once.
type classes struct {
	client  client.Client
	account *account
}

func (c *classes) Reconcile(ctx context.Context, class *v1.EC2NodeClass) (reconcile.Result, error) {
	before := class.DeepCopy()
	class.Status.Subnets = nil
	for _, zone := range c.account.Zones {
		class.Status.Subnets = append(class.Status.Subnets, v1.Subnet{ID: "subnet-" + zone, Zone: zone, ZoneID: zone})
	}
	class.Status.CapacityReservations = nil
	for _, has := range c.account.Reservations {
		if names(class, has.ID) {
			class.Status.CapacityReservations = append(class.Status.CapacityReservations, v1.CapacityReservation{
				ID: has.ID, InstanceType: has.Type, AvailabilityZone: has.Zone, OwnerID: "123456789012",
				InstanceMatchCriteria: "targeted", ReservationType: v1.CapacityReservationTypeDefault,
				State: v1.CapacityReservationStateActive,
			})
		}
	}
	for _, condition := range []string{
		v1.ConditionTypeAMIsReady, v1.ConditionTypeSubnetsReady, v1.ConditionTypeSecurityGroupsReady,
		v1.ConditionTypeInstanceProfileReady, v1.ConditionTypeCapacityReservationsReady,
		v1.ConditionTypePlacementGroupReady, v1.ConditionTypeValidationSucceeded,
	} {
		class.StatusConditions().SetTrue(condition)
	}
	if equality.Semantic.DeepEqual(before, class) {
		return reconcile.Result{}, nil
	}
	if err := c.client.Status().Patch(ctx, class, client.MergeFrom(before)); err != nil {
		return reconcile.Result{}, fmt.Errorf("making %s ready: %w", class.Name, client.IgnoreNotFound(err))
	}
	return reconcile.Result{}, nil
}

func (c *classes) Register(_ context.Context, m manager.Manager) error {
	return controllerruntime.NewControllerManagedBy(m).
		Named("nodeclass.ready").
		For(&v1.EC2NodeClass{}).
		Complete(reconcile.AsReconciler(m.GetClient(), c))
}
