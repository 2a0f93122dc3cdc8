"""The kit against its own server: does each rule's test find the misbehaviours that break the rule, and no other?

The one part of the kit that imports `mock_authz`, and only `bench` does: everything else works on what it found.
"""
