"""The conformance kit: judges an Authorization server or a client, rule by rule, in virtual time."""
