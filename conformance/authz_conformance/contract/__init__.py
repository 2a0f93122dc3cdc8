"""The profile `contract`: the protocol part of openapi.yaml, tried with requests that schemathesis makes of it.

One survey of the server is taken for all rules of the profile: `survey.py`. Nothing outside of this package knows
schemathesis, and it is imported when a survey is taken.
"""
