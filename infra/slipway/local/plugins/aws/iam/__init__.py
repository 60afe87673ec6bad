"""What IAM would say to a call of AWS's API: what the call asks for, and whether a role's policies allow it.

`evaluate` decides about one action on one resource; `conditions` has the operators of its conditions. `requests` says
what a call asks for, by Amazon's Service Authorization Reference, and `dependents` what AWS does besides with the
caller's permissions. `guard` puts them in front of every call of the rehearsal.

Only a role's own policies are judged: no boundary, no policy of an organization, and no policy of a resource.
"""
