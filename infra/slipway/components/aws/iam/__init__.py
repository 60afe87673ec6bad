"""Who may do what on AWS: policies with a reason for each wildcard, and roles for pods."""
