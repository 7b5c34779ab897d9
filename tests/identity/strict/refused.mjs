// What has to be refused, and by which words.

import assert from 'node:assert/strict';

/** The error that a library tells of: of an answer's body, or of the resource's challenge. */
async function told({ error, cause, response }) {
  const challenge = Array.isArray(cause) ? cause[0].parameters.error : undefined;
  // Who did not prove to be the client is challenged without an error, and the library stops there:
  // it is in the body.
  return error ?? challenge ?? (await response?.json())?.error;
}

/** A request that has to fail with just this error. */
export async function refused(promise, error) {
  const thrown = await promise.then(
    () => assert.fail(`it is let in, and not refused with ${error}`),
    (why) => why,
  );
  assert.equal(await told(thrown), error, thrown);
}
