// Command karpenter is Karpenter with kwok's nodes in place of EC2's: its own scheduler, limits, consolidation, drift
// and budgets, and of its provider for AWS the kind EC2NodeClass and what an instance type offers. What only an account
// has is a stand-in: every class is ready at once, all zones have a subnet, an image is what the class names.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	v1 "github.com/aws/karpenter-provider-aws/pkg/apis/v1"
	"github.com/aws/karpenter-provider-aws/pkg/controllers/nodeclass/hash"
	"github.com/samber/lo"
	karpv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	karpcloud "sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/cloudprovider/overlay"
	"sigs.k8s.io/karpenter/pkg/controllers"
	"sigs.k8s.io/karpenter/pkg/controllers/state"
	"sigs.k8s.io/karpenter/pkg/operator"
)

func main() {
	v1.CapacityReservationsEnabled = true
	karpcloud.ReservationIDLabel = v1.LabelCapacityReservationID
	karpcloud.ReservedCapacityLabels.Insert(v1.LabelCapacityReservationType, v1.LabelCapacityReservationInterruptible)
	karpv1.WellKnownLabels.Insert(v1.LabelCapacityReservationID)
	offers := lo.Must(readAccount(os.Getenv("ACCOUNT_FILE")))
	ctx, op := operator.NewOperator()
	plain := newProvider(op.GetClient(), offers, op.InstanceTypeStore)
	provider := overlay.Decorate(plain, op.GetClient(), op.InstanceTypeStore)
	cluster := state.NewCluster(op.Clock, op.GetClient(), provider)
	op.
		WithControllers(ctx, controllers.NewControllers(
			ctx, op.Manager, op.Clock, op.GetClient(), op.EventRecorder, provider, plain, cluster, op.InstanceTypeStore,
		)...).
		WithControllers(ctx, hash.NewController(op.GetClient(), lo.ToPtr("")), &classes{op.GetClient(), offers}).
		Start(ctx)
}

// readAccount reads what EC2 has for this account, as slipway.rehearsal.instance_types writes it.
func readAccount(path string) (*account, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ACCOUNT_FILE: %w", err)
	}
	found := &account{}
	if err := json.Unmarshal(raw, found); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return found, nil
}

var _ karpcloud.CloudProvider = (*provider)(nil)
