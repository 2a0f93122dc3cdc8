"""The tests: for each rule one function, bound to it by `@rule`."""
