// npm's oidc-provider with the device flow on, as its own documentation shows it: the server that is judged here.
// Nothing is bent for the kit, but for one thing: see Keeping below. Run it with PORT=8640 node server.mjs.
import Provider from 'oidc-provider';
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js';

const port = Number(process.env.PORT ?? 8640);
const DAY = 86400;

// The adapter that comes with it forgets a code in the very second of its expiry, counted from the millisecond of its
// issue: which of expired_token and invalid_grant a late poll gets is then a matter of milliseconds. A database forgets
// later, as this one does; that a record has expired is still oidc-provider's own finding.
class Keeping extends MemoryAdapter {
  upsert(id, payload, expiresIn) {
    return super.upsert(id, payload, expiresIn + DAY);
  }
}

const device = {
  application_type: 'native',
  token_endpoint_auth_method: 'none', // devices keep no secrets: RFC 8628 5.6
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  response_types: [],
  redirect_uris: [],
};

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: Keeping,
  clients: [
    { ...device, client_id: 'pos' },
    { ...device, client_id: 'register' },
    // The resource server that introspects.
    { client_id: 'shop', client_secret: 'shop-secret', grant_types: [], response_types: [], redirect_uris: [] },
  ],
  features: {
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    devInteractions: { enabled: true }, // its login, consent and device pages: human.py fills them in
  },
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'), // else only with offline_access
  ttl: { AccessToken: 3600, DeviceCode: 600, RefreshToken: 14 * DAY, Grant: 60 * DAY, Session: 60 * DAY, Interaction: 3600 },
});

provider.listen(port, '127.0.0.1');
