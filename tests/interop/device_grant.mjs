// npm's openid-client, as its users would use it: discover, show a user code, poll, refresh.
//
//   node device_grant.mjs ISSUER oauth2|oidc
//
// Prints one line of JSON for each step. The test approves the user code in between.
import * as oauth from 'openid-client'

const [issuer, algorithm] = process.argv.slice(2)
const say = (step, members) => console.log(JSON.stringify({ step, ...members }))

const configuration = await oauth.discovery(new URL(issuer), 'pos-server', undefined, oauth.None(), {
  algorithm,
  execute: [oauth.allowInsecureRequests], // plain http on loopback
})
say('discovered', { issuer: configuration.serverMetadata().issuer })

const authorization = await oauth.initiateDeviceAuthorization(configuration, { scope: 'license' })
say('authorization', {
  user_code: authorization.user_code,
  verification_uri: authorization.verification_uri,
  interval: authorization.interval,
})

const tokens = await oauth.pollDeviceAuthorizationGrant(configuration, authorization)
say('tokens', { token_type: tokens.token_type, expires_in: tokens.expires_in, scope: tokens.scope })

const refreshed = await oauth.refreshTokenGrant(configuration, tokens.refresh_token)
say('refreshed', {
  expires_in: refreshed.expires_in,
  rotated: refreshed.refresh_token !== tokens.refresh_token,
  new_license_token: refreshed.access_token !== tokens.access_token,
})

const license = await oauth.fetchProtectedResource(
  configuration, refreshed.access_token, new URL(`${issuer}/license`), 'GET',
)
say('license', await license.json())

await oauth.tokenRevocation(configuration, refreshed.refresh_token)
try {
  await oauth.refreshTokenGrant(configuration, refreshed.refresh_token)
  say('revoked', { error: null })
} catch (error) {
  say('revoked', { error: error.error })
}
