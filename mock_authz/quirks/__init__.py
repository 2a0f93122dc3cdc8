"""Named misbehaviours, attached from above. Nothing below imports this package."""
