import { expect, test } from 'vitest'
import { ConfigError, loadConfig } from './config.ts'

const refusal = (env: Record<string, string>): string => {
  try {
    loadConfig(env)
    return 'none'
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message
  }
}

test('nothing has to be set', () => {
  expect(loadConfig({})).toMatchObject({
    port: 8080,
    host: '0.0.0.0',
    isSignUpOpen: true,
    trustedProxies: [],
  })
})

test.each([
  ['PORT', 'abc', 'a whole number from 0 to 65535'],
  ['PORT', '65536', 'a whole number from 0 to 65535'],
  ['PORT', '', 'a whole number from 0 to 65535'],
  ['WATCH_PORT', '80.5', 'a whole number from 0 to 65535'],
  ['UPLOAD_MAX_BYTES', 'lots', 'a whole number of bytes, such as 4294967296 for 4 GiB'],
  ['UPLOAD_MAX_BYTES', '0', 'a whole number of bytes'],
  ['UPLOAD_MAX_DURATION_S', '-1', 'a number of seconds above 0'],
  ['DATABASE_POOL_SIZE', '201', 'a whole number from 1 to 200'],
  ['LOG_LEVEL', 'loud', 'trace, debug, info, warn, error or silent'],
  ['SIGN_UP', 'no', 'open or closed'],
  ['DEMO', 'yes', 'on or off'],
  ['HOST', '', 'one of this machine’s addresses'],
  ['PUBLIC_URL', 'video.example.org', 'an address such as https://video.example.org'],
  ['INSTANCE_NAME', '', '1 to 60 characters'],
  ['TRUSTED_PROXIES', 'nginx', 'IP addresses or networks'],
  ['TRUSTED_PROXIES', '10.0.0.0/33', 'IP addresses or networks'],
  ['TRUSTED_PROXIES', '10.0.0.0/', 'IP addresses or networks'],
  ['TRUSTED_PROXIES', '10.0.0.0/8/8', 'IP addresses or networks'],
  ['TRUSTED_PROXIES', '127.0.0.1,fd00::/129', 'IP addresses or networks'],
])('%s=%s is refused with what was given and what fits', (name, given, fits) => {
  expect(refusal({ [name]: given })).toContain(`${name} is "${given}"; what fits is ${fits}`)
})

test('all that is wrong is told at once, a line each', () => {
  expect(refusal({ PORT: 'abc', DEMO: 'yes' }).split('\n')).toHaveLength(2)
})

test('the edges of what fits are taken', () => {
  expect(loadConfig({ PORT: '65535', UPLOAD_RESERVE_BYTES: '0', UPLOAD_MAX_BYTES: '4e9' })).toMatchObject({
    port: 65_535,
    uploads: { reserveBytes: 0, maxSizeBytes: 4_000_000_000 },
  })
  expect(
    loadConfig({ TRUSTED_PROXIES: ' 127.0.0.1, 10.0.0.0/32 ,fd00::/128,loopback,' }).trustedProxies,
  ).toEqual(['127.0.0.1', '10.0.0.0/32', 'fd00::/128', 'loopback'])
})

test('where nobody may sign up, no people of a demo do', () => {
  expect(loadConfig({ SIGN_UP: 'closed' })).toMatchObject({ isSignUpOpen: false, isDemoWanted: false })
})
