"""The policy: rules that every deployment has to keep, checked offline in a plan and by Pulumi in its resources."""
