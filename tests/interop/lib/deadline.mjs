// Nothing here waits for ever.

/** How long anything may take before the test fails: generous, because a build may be running beside. */
export const PATIENCE_MS = 15_000;

/** @returns what `promise` gives, or fails after a while with `what` was awaited. */
export async function within(promise, what, ms = PATIENCE_MS) {
  let timer;
  const tooLate = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${typeof what === 'function' ? what() : what}`)), ms);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
