"""Say what is watched about a model: objectives and their budgets, alerts, the queries of dashboards. Pure."""
