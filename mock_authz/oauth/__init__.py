"""OAuth on Authlib: dispatch, client authentication, error rendering. The only place that knows Authlib."""
