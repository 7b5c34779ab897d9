// The flows with `oauth4webapi`, which leaves each step to its caller.
//
// `how` a client asks is told apart from what it asks for: `isPushed`, its `authentication`, and `ask`,
// which makes a request with the library's options for it.

import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { refused } from './refused.mjs';

/** Each request with these options. */
const by = (options) => (request) => request(options);

const plainly = by({});

/** Each request with a handle that has no nonce yet: it is refused, and goes through with the one it got. */
const withoutNonce = (handle) => async (request) => {
  const options = { DPoP: handle() };
  await refused(request(options), 'use_dpop_nonce');
  return request(options);
};

async function discovered(world) {
  const answer = await oauth.discoveryRequest(world.door, { algorithm: 'oauth2' });
  return oauth.processDiscoveryResponse(world.door, answer);
}

/** The resource says who gives tokens for it, and that is who does. */
async function resource(world, path) {
  const url = new URL(`${world.door.origin}${path}`);
  const answer = await oauth.resourceDiscoveryRequest(url);
  const { authorization_servers: servers } = await oauth.processResourceDiscoveryResponse(url, answer);
  assert.deepEqual(servers, [world.door.origin]);
}

/** What the browser brings for parameters that the client pushed. */
async function pushed(as, id, parameters, { authentication = oauth.None(), ask = plainly }) {
  const client = { client_id: id };
  const { request_uri } = await ask(async (options) => {
    const answer = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, options);
    return oauth.processPushedAuthorizationResponse(as, client, answer);
  });
  return new URLSearchParams({ client_id: id, request_uri });
}

/** Where the person ended, validated: state, and `iss` (RFC 9207). */
async function landed(world, as, id, how) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const parameters = new URLSearchParams({
    client_id: id,
    response_type: 'code',
    redirect_uri: world.back,
    resource: world.resource,
    scope: 'collection:orders',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  });
  const url = new URL(as.authorization_endpoint);
  url.search = how.isPushed ? await pushed(as, id, parameters, how) : parameters;
  const arrived = await world.person(url);
  return { verifier, back: oauth.validateAuthResponse(as, { client_id: id }, arrived, state) };
}

/** Tokens of a person, by a code; and the code `again`, which the library itself would not send. */
async function byCode(world, as, id, how = {}) {
  const { authentication = oauth.None(), ask = plainly } = how;
  const client = { client_id: id };
  const { verifier, back } = await landed(world, as, id, how);
  const redeem = async (options) => {
    const answer = await oauth.authorizationCodeGrantRequest(
      as, client, authentication, back, world.back, verifier, options,
    );
    return oauth.processAuthorizationCodeResponse(as, client, answer);
  };
  return { tokens: await ask(redeem), again: () => ask(redeem) };
}

async function renewed(as, id, { refresh_token: token }, how = {}) {
  const { authentication = oauth.None(), ask = plainly } = how;
  const client = { client_id: id };
  return ask(async (options) => {
    const answer = await oauth.refreshTokenGrantRequest(as, client, authentication, token, options);
    return oauth.processRefreshTokenResponse(as, client, answer);
  });
}

async function calls(world, { access_token: token }, ask = plainly) {
  const { status } = await ask((options) =>
    oauth.protectedResourceRequest(token, 'GET', world.operation, undefined, undefined, options),
  );
  assert.equal(status, 200);
}

/** What a resource server of this library says to the token (RFC 9068). */
async function isJwt(world, as, token) {
  const headers = { authorization: `Bearer ${token}` };
  const request = new Request(world.operation, { headers });
  const claims = await oauth.validateJwtAccessToken(as, request, world.resource);
  assert.equal(claims.iss, as.issuer);
}

export const flows = {
  async discovery(world) {
    const as = await discovered(world);
    assert.ok(as.authorization_response_iss_parameter_supported);
    assert.deepEqual(as.code_challenge_methods_supported, ['S256']);
    for (const path of ['/mcp', '/mcp/orders', '/orders', '/customers']) await resource(world, path);
  },

  async code(world) {
    const as = await discovered(world);
    const id = world.clients.public;
    const { tokens } = await byCode(world, as, id);
    await calls(world, tokens);
    await isJwt(world, as, tokens.access_token);
    const next = await renewed(as, id, tokens);
    await calls(world, next);
    const client = { client_id: id };
    const revoked = await oauth.revocationRequest(as, client, oauth.None(), next.refresh_token);
    await oauth.processRevocationResponse(revoked);
    await refused(calls(world, next), 'invalid_token');
  },

  async a_code_twice(world) {
    const as = await discovered(world);
    const { tokens, again } = await byCode(world, as, world.clients.public);
    await calls(world, tokens);
    await refused(again(), 'invalid_grant');
    // Its reuse ended what had come of it.
    await refused(calls(world, tokens), 'invalid_token');
  },

  async pushed(world) {
    const as = await discovered(world);
    const id = world.clients.pushed;
    const { tokens } = await byCode(world, as, id, { isPushed: true });
    await calls(world, tokens);
    // And no other way.
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({
      client_id: id,
      response_type: 'code',
      redirect_uri: world.back,
      code_challenge: await oauth.calculatePKCECodeChallenge(oauth.generateRandomCodeVerifier()),
      code_challenge_method: 'S256',
    });
    const turned = await fetch(url, { redirect: 'manual' });
    const location = new URL(turned.headers.get('location'));
    const client = { client_id: id };
    assert.throws(() => oauth.validateAuthResponse(as, client, location, oauth.expectNoState), {
      error: 'invalid_request',
    });
  },

  async pushed_private_key_jwt(world) {
    const as = await discovered(world);
    const id = world.clients.keyed;
    const how = { isPushed: true, authentication: oauth.PrivateKeyJwt(world.signing) };
    const { tokens } = await byCode(world, as, id, how);
    await calls(world, tokens);
    const next = await renewed(as, id, tokens, how);
    await calls(world, next);
    // Without its key nobody asks in its name, nor goes on with what it was given.
    await refused(byCode(world, as, id, { isPushed: true }), 'invalid_client');
    await refused(renewed(as, id, next), 'invalid_client');
  },

  async private_key_jwt(world) {
    const as = await discovered(world);
    const client = { client_id: world.clients.keyed };
    const authentication = oauth.PrivateKeyJwt(world.signing);
    const answer = await oauth.clientCredentialsGrantRequest(as, client, authentication, {});
    const tokens = await oauth.processClientCredentialsResponse(as, client, answer);
    await calls(world, tokens);
    const asked = await oauth.introspectionRequest(as, client, authentication, tokens.access_token);
    const said = await oauth.processIntrospectionResponse(as, client, asked);
    assert.ok(said.active);
  },

  async exchange_for_another(world) {
    const as = await discovered(world);
    const keyed = { client_id: world.clients.keyed };
    const own = oauth.PrivateKeyJwt(world.signing);
    const answer = await oauth.clientCredentialsGrantRequest(as, keyed, own, {});
    const subject = await oauth.processClientCredentialsResponse(as, keyed, answer);
    const client = { client_id: world.clients.secret };
    const asked = await oauth.genericTokenEndpointRequest(
      as, client, oauth.ClientSecretPost(world.secret),
      'urn:ietf:params:oauth:grant-type:token-exchange',
      {
        subject_token: subject.access_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      },
    );
    const exchanged = await oauth.processGenericTokenEndpointResponse(as, client, asked);
    await calls(world, exchanged);
    assert.equal((await world.tool(`Bearer ${exchanged.access_token}`)).status, 200);
    const revoked = await oauth.revocationRequest(as, keyed, own, subject.access_token);
    await oauth.processRevocationResponse(revoked);
    await refused(calls(world, exchanged), 'invalid_token');
  },

  async device(world) {
    const as = await discovered(world);
    const client = { client_id: world.clients.device };
    const begun = await oauth.deviceAuthorizationRequest(as, client, oauth.None(), {
      resource: world.resource,
    });
    const device = await oauth.processDeviceAuthorizationResponse(as, client, begun);
    const ask = async () => {
      const answer = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), device.device_code);
      return oauth.processDeviceCodeResponse(as, client, answer);
    };
    await refused(ask(), 'authorization_pending');
    await world.connect(device.verification_uri_complete);
    const tokens = await ask();
    await calls(world, tokens);
    // Once, and then all of it ends.
    await refused(ask(), 'invalid_grant');
    await refused(calls(world, tokens), 'invalid_token');
  },

  async registered(world) {
    const as = await discovered(world);
    const metadata = { redirect_uris: [world.back], token_endpoint_auth_method: 'none' };
    const answer = await oauth.dynamicClientRegistrationRequest(as, metadata);
    const client = await oauth.processDynamicClientRegistrationResponse(answer);
    assert.equal(client.client_secret, undefined);
    const { tokens } = await byCode(world, as, client.client_id);
    await calls(world, tokens);
    const bad = { ...metadata, redirect_uris: ['intent://x/callback'] };
    const refusal = await oauth.dynamicClientRegistrationRequest(as, bad);
    await refused(oauth.processDynamicClientRegistrationResponse(refusal), 'invalid_redirect_uri');
  },

  async id_jag(world) {
    const as = await discovered(world);
    const client = { client_id: world.clients.secret };
    const answer = await oauth.genericTokenEndpointRequest(
      as, client, oauth.ClientSecretPost(world.secret),
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      { assertion: await world.assertion(client.client_id), resource: world.resource },
    );
    const tokens = await oauth.processGenericTokenEndpointResponse(as, client, answer);
    await calls(world, tokens);
    assert.equal(tokens.refresh_token, undefined);
  },

  async opaque(world) {
    const as = await discovered(world);
    const client = { client_id: world.clients.opaque };
    const authentication = oauth.PrivateKeyJwt(world.signing);
    const answer = await oauth.clientCredentialsGrantRequest(as, client, authentication, {});
    const tokens = await oauth.processClientCredentialsResponse(as, client, answer);
    const { access_token: token } = tokens;
    assert.match(token, /^oda_[0-9A-Za-z]{49}$/);
    await calls(world, tokens);
    const active = async () => {
      const asked = await oauth.introspectionRequest(as, client, authentication, token);
      return (await oauth.processIntrospectionResponse(as, client, asked)).active;
    };
    assert.ok(await active());
    const revoked = await oauth.revocationRequest(as, client, authentication, token);
    await oauth.processRevocationResponse(revoked);
    assert.equal(await active(), false);
    await refused(calls(world, tokens), 'invalid_token');
  },

  async dpop(world) {
    const as = await discovered(world);
    const id = world.clients.dpop;
    const ask = by({ DPoP: oauth.DPoP({ client_id: id }, await oauth.generateKeyPair('ES256')) });
    const { tokens } = await byCode(world, as, id, { isPushed: true, ask });
    assert.equal(tokens.token_type, 'dpop');
    await calls(world, tokens, ask);
    await refused(calls(world, tokens), 'invalid_token');
  },

  async mtls(world) {
    const as = await discovered(world);
    const client = { client_id: world.clients.certified };
    const options = { [oauth.customFetch]: world.certified };
    const answer = await oauth.clientCredentialsGrantRequest(
      as, client, oauth.TlsClientAuth(), {}, options,
    );
    const tokens = await oauth.processClientCredentialsResponse(as, client, answer);
    await calls(world, tokens, by(options));
    await refused(calls(world, tokens), 'invalid_token');
  },

  async mtls_code(world) {
    const as = await discovered(world);
    const id = world.clients.certified;
    const bare = { isPushed: true, authentication: oauth.TlsClientAuth() };
    const how = { ...bare, ask: by({ [oauth.customFetch]: world.certified }) };
    const { tokens } = await byCode(world, as, id, how);
    await calls(world, tokens, how.ask);
    await refused(calls(world, tokens), 'invalid_token');
    const next = await renewed(as, id, tokens, how);
    await calls(world, next, how.ask);
    await refused(calls(world, next), 'invalid_token');
    // Over a connection without its certificate it is nobody.
    await refused(byCode(world, as, id, bare), 'invalid_client');
    await refused(renewed(as, id, next, bare), 'invalid_client');
  },
};

/** Those through a door that demands a nonce of each proof. */
export const nonced = {
  async dpop_nonce(world) {
    const as = await discovered(world);
    const id = world.clients.dpop;
    const pair = await oauth.generateKeyPair('ES256');
    const handle = (options) => oauth.DPoP({ client_id: id }, pair, options);
    const ask = withoutNonce(handle);
    const { tokens } = await byCode(world, as, id, { isPushed: true, ask });
    assert.equal(tokens.token_type, 'dpop');
    await calls(world, tokens, ask);
    const next = await renewed(as, id, tokens, { ask });
    await calls(world, next, ask);
    const madeUp = handle({ [oauth.modifyAssertion]: (_, claims) => { claims.nonce = 'made-up'; } });
    await refused(calls(world, next, by({ DPoP: madeUp })), 'use_dpop_nonce');
  },
};
