import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { loadConfig } from './config.ts'
import type { App } from './http.ts'
import { openOtherAddresses } from './other-addresses.ts'

const OWN = 'https://video.example.org'
const OTHER = 'https://video.example.net'

async function ask(env: Record<string, string>, origin?: string) {
  const app = Fastify()
  openOtherAddresses(app as unknown as App, loadConfig(env))
  app.get('/things', async () => ({}))
  const { headers } = await app.inject({ url: '/things', headers: origin === undefined ? {} : { origin } })
  return headers
}

test.each([OWN, OTHER])(
  'a page that came by %s may read what is open to all, without its cookies',
  async (origin) => {
    const headers = await ask({ PUBLIC_URL: OWN, OTHER_URLS: OTHER }, origin)
    expect(headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'origin' })
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
  },
)

test('pages of other sites may not, and caches know that it depends', async () => {
  for (const origin of ['https://evil.example', 'null', undefined]) {
    const headers = await ask({ PUBLIC_URL: OWN, OTHER_URLS: OTHER }, origin)
    expect(headers).not.toHaveProperty('access-control-allow-origin')
    expect(headers['vary']).toBe('origin')
  }
})

test('an instance with one address says nothing of it', async () => {
  expect(await ask({ PUBLIC_URL: OWN }, OWN)).not.toHaveProperty('vary')
})

test('an address with a path is refused', () => {
  expect(() => loadConfig({ OTHER_URLS: `${OTHER}/videos` })).toThrow(/OTHER_URLS/)
})
