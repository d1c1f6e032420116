/** A cockpit of a test's own, and browsers that use it by forms and cookies. */
import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { answerRoutes, openPageLinks } from '../on-call/index.ts'
import { createWatchWorld, type WatchWorld } from '../pages/world.fixtures.ts'
import { openOperators, operatorRoutes } from './index.ts'

export const PASSWORD = 'four words and a number 7'

/** RFC 6238 with SHA-1, six digits, 30 s. */
export function codeFor(secret: string): string {
  const bits = [...secret]
    .map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0'))
    .join('')
  const key = Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)))
  const hash = createHmac('sha1', key).update(counter).digest()
  const offset = hash[19]! & 15
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** A browser, as far as forms and cookies go. */
export function openBrowser(url: string) {
  const jar = new Map<string, string>()
  async function send(path: string, form?: Record<string, string>, headers: Record<string, string> = {}) {
    const response = await fetch(url + path, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        ...(jar.size > 0 && { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }),
        ...(form && { origin: url }),
        ...headers,
      },
      ...(form && { body: new URLSearchParams(form) }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [name, value] = cookie.split(';', 1)[0]!.split(/=(.*)/s) as [string, string]
      if (value === '' || /max-age=0/i.test(cookie)) jar.delete(name)
      else jar.set(name, value)
    }
    return {
      status: response.status,
      text: await response.text(),
      location: response.headers.get('location'),
    }
  }
  return { send, jar }
}
export type Browser = ReturnType<typeof openBrowser>

/** The cockpit of a world. */
export async function openWorld(
  env: Record<string, string> = {},
  options: Omit<Parameters<typeof createWatchWorld>[0] & object, 'env'> = {},
) {
  const world = await createWatchWorld({ ...options, env })
  const operators = await openOperators(world.ctx)
  const links = await openPageLinks(world.ctx)
  const writes: string[] = []
  const url = await world.serve(async (app, ctx) => {
    app.addHook('onRoute', ({ method, url: path }) => {
      for (const one of [method].flat()) if (!/^(GET|HEAD|OPTIONS)$/.test(one)) writes.push(`${one} ${path}`)
    })
    await operatorRoutes(operators, { links, vapidPublicKey: 'unused' })(app, ctx)
    await answerRoutes(links)(app, ctx)
  })
  const close = async () => {
    await world[Symbol.asyncDispose]()
    operators[Symbol.dispose]()
  }
  return { world, auth: operators.auth, links, url, writes, [Symbol.asyncDispose]: close }
}

export const firstLink = async (world: WatchWorld): Promise<string> =>
  new URL((await readFile(join(world.ctx.config.dataDir, 'first-operator-link.txt'), 'utf8')).trim()).pathname

export async function joinBy(browser: Browser, path: string, name: string): Promise<string> {
  const shown = await browser.send(path, { name, password: PASSWORD })
  const secret = /secret=([A-Z2-7]+)/.exec(shown.text)![1]!
  const done = await browser.send(`${path}/code`, { code: codeFor(secret) })
  expect(done).toMatchObject({ status: 303, location: '/operate' })
  return secret
}

/** The invitation that a page shows. */
export const linkOf = (page: { readonly text: string }): string =>
  new URL(/https?:\/\/[^\s<]+\/operate\/join\/[\w-]+/.exec(page.text)![0]).pathname
