// The flows with `openid-client`.

import assert from 'node:assert/strict';
import * as client from 'openid-client';
import { refused } from './refused.mjs';

const ALGORITHM = { algorithm: 'oauth2' };

const configured = (world, id, authentication, options = {}) =>
  client.discovery(world.door, id, undefined, authentication, { ...ALGORITHM, ...options });

/** Tokens of a person, by a code. */
async function byCode(world, config, { isPushed = false, more = {}, options } = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const parameters = {
    redirect_uri: world.back,
    resource: world.resource,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    ...more,
  };
  const url = isPushed
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, options)
    : client.buildAuthorizationUrl(config, parameters);
  const landed = await world.person(url);
  const checks = { pkceCodeVerifier: verifier, expectedState: state };
  return client.authorizationCodeGrant(config, landed, checks, {}, options);
}

async function calls(world, config, tokens, options) {
  const { access_token: token } = tokens;
  const answer = await client.fetchProtectedResource(
    config, token, world.operation, 'GET', undefined, undefined, options,
  );
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { ok: true });
}

async function renewsAndEnds(world, config, tokens, options) {
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, {}, options);
  await calls(world, config, renewed, options);
  assert.notEqual(renewed.refresh_token, tokens.refresh_token);
  await client.tokenRevocation(config, renewed.refresh_token);
  await refused(client.refreshTokenGrant(config, renewed.refresh_token, {}, options), 'invalid_grant');
}

export const flows = {
  async code(world) {
    const config = await configured(world, world.clients.public, client.None());
    const tokens = await byCode(world, config);
    assert.equal(tokens.token_type, 'bearer');
    await calls(world, config, tokens);
    assert.equal((await world.tool(`Bearer ${tokens.access_token}`)).status, 200);
    await renewsAndEnds(world, config, tokens);
  },

  async pushed(world) {
    const config = await configured(world, world.clients.pushed, client.None());
    await calls(world, config, await byCode(world, config, { isPushed: true }));
  },

  async pushed_private_key_jwt(world) {
    const authentication = client.PrivateKeyJwt(world.signing);
    const config = await configured(world, world.clients.keyed, authentication);
    const tokens = await byCode(world, config, { isPushed: true });
    await calls(world, config, tokens);
    const bare = await configured(world, world.clients.keyed, client.None());
    await refused(byCode(world, bare, { isPushed: true }), 'invalid_client');
    await renewsAndEnds(world, config, tokens);
  },

  async reused(world) {
    const config = await configured(world, world.clients.public, client.None());
    const tokens = await byCode(world, config);
    const renewed = await client.refreshTokenGrant(config, tokens.refresh_token);
    await refused(client.refreshTokenGrant(config, tokens.refresh_token), 'invalid_grant');
    await refused(client.refreshTokenGrant(config, renewed.refresh_token), 'invalid_grant');
  },

  async secret_basic(world) {
    const authentication = client.ClientSecretBasic(world.secret);
    const config = await configured(world, world.clients.secret, authentication);
    const tokens = await client.clientCredentialsGrant(config, { resource: world.resource });
    await calls(world, config, tokens);
    const { active, client_id: id } = await client.tokenIntrospection(config, tokens.access_token);
    assert.deepEqual([active, id], [true, world.clients.secret]);
    await client.tokenRevocation(config, tokens.access_token);
    assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, false);
  },

  async secret_post(world) {
    const authentication = client.ClientSecretPost(world.secret);
    const config = await configured(world, world.clients.secret, authentication);
    await calls(world, config, await client.clientCredentialsGrant(config));
    const wrong = await configured(world, world.clients.secret, client.ClientSecretPost('wrong'));
    await refused(client.clientCredentialsGrant(wrong), 'invalid_client');
  },

  async private_key_jwt(world) {
    const authentication = client.PrivateKeyJwt(world.signing);
    const config = await configured(world, world.clients.keyed, authentication);
    await calls(world, config, await client.clientCredentialsGrant(config));
  },

  async exchange(world) {
    const authentication = client.ClientSecretBasic(world.secret);
    const config = await configured(world, world.clients.secret, authentication);
    const subject = await client.clientCredentialsGrant(config);
    const exchanged = await client.genericGrantRequest(
      config,
      'urn:ietf:params:oauth:grant-type:token-exchange',
      {
        subject_token: subject.access_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        resource: `${world.resource}/orders`,
      },
    );
    await calls(world, config, exchanged);
  },

  async exchange_for_another(world) {
    const keyed = await configured(world, world.clients.keyed, client.PrivateKeyJwt(world.signing));
    const authentication = client.ClientSecretBasic(world.secret);
    const config = await configured(world, world.clients.secret, authentication);
    const exchange = (token) =>
      client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      });
    const subject = await client.clientCredentialsGrant(keyed);
    const exchanged = await exchange(subject.access_token);
    await calls(world, config, exchanged);
    assert.equal((await world.tool(`Bearer ${exchanged.access_token}`)).status, 200);
    // It ends with the one that was brought.
    await client.tokenRevocation(keyed, subject.access_token);
    await refused(calls(world, config, exchanged), 'invalid_token');
    const person = await configured(world, world.clients.public, client.None());
    const tokens = await byCode(world, person);
    await calls(world, config, await exchange(tokens.access_token));
  },

  async device(world) {
    const config = await configured(world, world.clients.device, client.None());
    const asked = await client.initiateDeviceAuthorization(config, { resource: world.resource });
    await world.connect(asked.verification_uri_complete);
    const tokens = await client.pollDeviceAuthorizationGrant(config, asked);
    await calls(world, config, tokens);
    await renewsAndEnds(world, config, tokens);
  },

  async registered(world) {
    const metadata = { client_name: 'Strict client', redirect_uris: [world.back] };
    const config = await client.dynamicClientRegistration(world.door, metadata, undefined, ALGORITHM);
    await calls(world, config, await byCode(world, config));
    const pair = await world.newKey();
    const keyed = await client.dynamicClientRegistration(
      world.door,
      { ...metadata, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [pair.public] } },
      client.PrivateKeyJwt(pair.private),
      ALGORITHM,
    );
    const tokens = await byCode(world, keyed);
    await calls(world, keyed, tokens);
    await renewsAndEnds(world, keyed, tokens);
  },

  async described(world) {
    const config = await configured(world, world.clients.described, client.None());
    const tokens = await byCode(world, config, { isPushed: true });
    await calls(world, config, tokens);
    await renewsAndEnds(world, config, tokens);
    // There is no such document.
    const nobody = await configured(world, `${world.clients.described}.old`, client.None());
    await refused(byCode(world, nobody, { isPushed: true }), 'invalid_client');
  },

  async id_jag(world) {
    const authentication = client.ClientSecretBasic(world.secret);
    const config = await configured(world, world.clients.secret, authentication);
    const assertion = await world.assertion(world.clients.secret);
    const bring = (what) =>
      client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:jwt-bearer', {
        assertion: what,
        resource: world.resource,
      });
    await calls(world, config, await bring(assertion));
    await refused(bring(assertion), 'invalid_grant');
    await refused(bring(await world.assertion(world.clients.public)), 'invalid_grant');
  },

  async dpop(world) {
    const config = await configured(world, world.clients.dpop, client.None());
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
    const tokens = await byCode(world, config, { isPushed: true, options: { DPoP } });
    assert.equal(tokens.token_type, 'dpop');
    await calls(world, config, tokens, { DPoP });
    assert.equal((await world.tool(`Bearer ${tokens.access_token}`)).status, 401);
    const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
    await refused(calls(world, config, tokens, { DPoP: other }), 'invalid_dpop_proof');
    const stolen = client.refreshTokenGrant(config, tokens.refresh_token, {}, { DPoP: other });
    await refused(stolen, 'invalid_grant');
    const again = await byCode(world, config, { isPushed: true, options: { DPoP } });
    await renewsAndEnds(world, config, again, { DPoP });
  },

  async mtls(world) {
    const options = { [client.customFetch]: world.certified };
    const id = world.clients.certified;
    const config = await configured(world, id, client.TlsClientAuth(), options);
    const tokens = await client.clientCredentialsGrant(config);
    await calls(world, config, tokens);
    // Over a connection that shows no certificate.
    const bare = await configured(world, id, client.TlsClientAuth());
    await refused(calls(world, bare, tokens), 'invalid_token');
    await refused(client.clientCredentialsGrant(bare), 'invalid_client');
  },

  async mtls_code(world) {
    const options = { [client.customFetch]: world.certified };
    const id = world.clients.certified;
    const config = await configured(world, id, client.TlsClientAuth(), options);
    const tokens = await byCode(world, config, { isPushed: true });
    await calls(world, config, tokens);
    const { cnf } = await client.tokenIntrospection(config, tokens.access_token);
    assert.deepEqual(cnf, { 'x5t#S256': world.thumbprint });
    const bare = await configured(world, id, client.TlsClientAuth());
    await refused(byCode(world, bare, { isPushed: true }), 'invalid_client');
    await refused(calls(world, bare, tokens), 'invalid_token');
    await refused(client.refreshTokenGrant(bare, tokens.refresh_token), 'invalid_client');
    await renewsAndEnds(world, config, tokens);
  },
};

/** Those through a door that demands a nonce of each proof. */
export const nonced = {
  async dpop_nonce(world) {
    const demands = [];
    const watched = async (url, options) => {
      const answer = await fetch(url, options);
      if (answer.headers.has('dpop-nonce')) demands.push(`${answer.status} ${new URL(url).pathname}`);
      return answer;
    };
    const options = { [client.customFetch]: watched };
    const config = await configured(world, world.clients.dpop, client.None(), options);
    const pair = await client.randomDPoPKeyPair();
    // A handle that has no nonce yet: the library gets it one, and asks again.
    const withoutNonce = () => ({ DPoP: client.getDPoPHandle(config, pair) });
    const tokens = await byCode(world, config, { isPushed: true, options: withoutNonce() });
    assert.equal(tokens.token_type, 'dpop');
    await calls(world, config, tokens, withoutNonce());
    await renewsAndEnds(world, config, tokens, withoutNonce());
    assert.deepEqual(demands, [
      '400 /oauth/par',
      `401 ${world.operation.pathname}`,
      '400 /oauth/token',
    ]);
  },
};
