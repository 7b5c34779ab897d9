// The flows with `oauth4webapi`, which leaves each step to its caller.

import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';

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

/** Where the person ended, validated: state, and `iss` (RFC 9207). */
async function landed(world, as, id, { isPushed, handle }) {
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
  url.search = parameters;
  if (isPushed) {
    const client = { client_id: id };
    const push = () =>
      oauth.pushedAuthorizationRequest(as, client, oauth.None(), parameters, { DPoP: handle });
    const answer = await oauth.processPushedAuthorizationResponse(as, client, await push());
    url.search = new URLSearchParams({ client_id: id, request_uri: answer.request_uri });
  }
  const arrived = await world.person(url);
  return { verifier, back: oauth.validateAuthResponse(as, { client_id: id }, arrived, state) };
}

async function byCode(world, as, id, { isPushed = false, handle } = {}) {
  const client = { client_id: id };
  const { verifier, back } = await landed(world, as, id, { isPushed, handle });
  const request = () =>
    oauth.authorizationCodeGrantRequest(as, client, oauth.None(), back, world.back, verifier, {
      DPoP: handle,
    });
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, await request());
  // Once: the library itself would not send it again.
  const again = await request();
  assert.equal(again.status, 400);
  return tokens;
}

/** A call with a token that leads nowhere, and for no other reason. */
async function refused(promise) {
  await assert.rejects(promise, (thrown) => thrown.status === 401 || assert.fail(thrown));
}

async function calls(world, token, handle) {
  const request = oauth.protectedResourceRequest;
  const answer = await request(token, 'GET', world.operation, undefined, undefined, { DPoP: handle });
  assert.equal(answer.status, 200);
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
    const verifier = await landed(world, as, world.clients.public, {});
    const request = await oauth.authorizationCodeGrantRequest(
      as, { client_id: world.clients.public }, oauth.None(), verifier.back, world.back, verifier.verifier,
    );
    const client = { client_id: world.clients.public };
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, request);
    await calls(world, tokens.access_token);
    await isJwt(world, as, tokens.access_token);
    const refresh = () =>
      oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token);
    const renewed = await oauth.processRefreshTokenResponse(as, client, await refresh());
    await calls(world, renewed.access_token);
    const revoked = await oauth.revocationRequest(as, client, oauth.None(), renewed.refresh_token);
    await oauth.processRevocationResponse(revoked);
    await refused(calls(world, renewed.access_token));
  },

  async a_code_twice(world) {
    const as = await discovered(world);
    const tokens = await byCode(world, as, world.clients.public);
    // Its reuse ended what had come of it.
    await refused(calls(world, tokens.access_token));
  },

  async pushed(world) {
    const as = await discovered(world);
    const id = world.clients.pushed;
    const { back, verifier } = await landed(world, as, id, { isPushed: true });
    const client = { client_id: id };
    const answer = await oauth.authorizationCodeGrantRequest(
      as, client, oauth.None(), back, world.back, verifier,
    );
    await calls(world, (await oauth.processAuthorizationCodeResponse(as, client, answer)).access_token);
    // And no other way.
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({
      client_id: id,
      response_type: 'code',
      redirect_uri: world.back,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const refused = await fetch(url, { redirect: 'manual' });
    const location = new URL(refused.headers.get('location'));
    assert.throws(() => oauth.validateAuthResponse(as, client, location, oauth.expectNoState), {
      error: 'invalid_request',
    });
  },

  async private_key_jwt(world) {
    const as = await discovered(world);
    const client = { client_id: world.clients.keyed };
    const authentication = oauth.PrivateKeyJwt(world.signing);
    const answer = await oauth.clientCredentialsGrantRequest(as, client, authentication, {});
    const tokens = await oauth.processClientCredentialsResponse(as, client, answer);
    await calls(world, tokens.access_token);
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
    await calls(world, exchanged.access_token);
    assert.equal((await world.tool(`Bearer ${exchanged.access_token}`)).status, 200);
    const revoked = await oauth.revocationRequest(as, keyed, own, subject.access_token);
    await oauth.processRevocationResponse(revoked);
    await refused(calls(world, exchanged.access_token));
  },

  async device(world) {
    const as = await discovered(world);
    const client = { client_id: world.clients.device };
    const begun = await oauth.deviceAuthorizationRequest(as, client, oauth.None(), {
      resource: world.resource,
    });
    const device = await oauth.processDeviceAuthorizationResponse(as, client, begun);
    const ask = () => oauth.deviceCodeGrantRequest(as, client, oauth.None(), device.device_code);
    await assert.rejects(oauth.processDeviceCodeResponse(as, client, await ask()), {
      error: 'authorization_pending',
    });
    await world.connect(device.verification_uri_complete);
    const tokens = await oauth.processDeviceCodeResponse(as, client, await ask());
    await calls(world, tokens.access_token);
    // Once, and then all of it ends.
    await assert.rejects(oauth.processDeviceCodeResponse(as, client, await ask()), {
      error: 'invalid_grant',
    });
    await refused(calls(world, tokens.access_token));
  },

  async registered(world) {
    const as = await discovered(world);
    const metadata = { redirect_uris: [world.back], token_endpoint_auth_method: 'none' };
    const answer = await oauth.dynamicClientRegistrationRequest(as, metadata);
    const client = await oauth.processDynamicClientRegistrationResponse(answer);
    assert.equal(client.client_secret, undefined);
    const tokens = await byCode(world, as, client.client_id);
    // Its code was shown twice.
    await refused(calls(world, tokens.access_token));
    const bad = { ...metadata, redirect_uris: ['intent://x/callback'] };
    const refusal = await oauth.dynamicClientRegistrationRequest(as, bad);
    await assert.rejects(oauth.processDynamicClientRegistrationResponse(refusal), {
      error: 'invalid_redirect_uri',
    });
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
    await calls(world, tokens.access_token);
    assert.equal(tokens.refresh_token, undefined);
  },

  async opaque(world) {
    const as = await discovered(world);
    const client = { client_id: world.clients.opaque };
    const authentication = oauth.PrivateKeyJwt(world.signing);
    const answer = await oauth.clientCredentialsGrantRequest(as, client, authentication, {});
    const { access_token: token } = await oauth.processClientCredentialsResponse(as, client, answer);
    assert.match(token, /^oda_[0-9A-Za-z]{49}$/);
    await calls(world, token);
    const active = async () => {
      const asked = await oauth.introspectionRequest(as, client, authentication, token);
      return (await oauth.processIntrospectionResponse(as, client, asked)).active;
    };
    assert.ok(await active());
    const revoked = await oauth.revocationRequest(as, client, authentication, token);
    await oauth.processRevocationResponse(revoked);
    assert.equal(await active(), false);
    await refused(calls(world, token));
  },

  async dpop(world) {
    const as = await discovered(world);
    const client = { client_id: world.clients.dpop };
    const handle = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
    const { back, verifier } = await landed(world, as, client.client_id, { isPushed: true, handle });
    const answer = await oauth.authorizationCodeGrantRequest(
      as, client, oauth.None(), back, world.back, verifier, { DPoP: handle },
    );
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer);
    assert.equal(tokens.token_type, 'dpop');
    await calls(world, tokens.access_token, handle);
    await refused(calls(world, tokens.access_token));
  },

  async mtls(world) {
    const as = await discovered(world);
    const client = { client_id: world.clients.certified };
    const options = { [oauth.customFetch]: world.certified };
    const answer = await oauth.clientCredentialsGrantRequest(
      as, client, oauth.TlsClientAuth(), {}, options,
    );
    const tokens = await oauth.processClientCredentialsResponse(as, client, answer);
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    const called = await world.certified(world.operation, { headers });
    assert.equal(called.status, 200);
    await refused(calls(world, tokens.access_token));
  },
};
