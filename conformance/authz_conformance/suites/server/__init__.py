"""The tests of the rules for servers. Modules are named `test_…`, by group."""
