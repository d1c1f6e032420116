/** How a client names its build, and what the server makes of it. Imports nothing: the app's first load has it, too. */

/** Sent with each request: `web/GENERATION BUILD`, such as `web/1 a1b2c3d4e5f6`. */
export const CLIENT_HEADER = 'upbeat-client'

/**
 * Counted up with each release that changes what the API asks of the web app. A server takes the generation before its
 * own, too: tests/releases/ holds it to that.
 */
export const CLIENT_GENERATION = 1

/** The address that tells the build of the server's web app. No cache keeps it, the service worker's neither. */
export const BUILD_PATH = '/_app/version.json'
