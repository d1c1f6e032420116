import { mkdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { createWorld } from '../../../tests/support/world.ts'
import { mountApi } from '../../roles/mount.ts'
import { shelveAssets } from '../../slots/index.ts'
import { registerShell } from './index.ts'

/** Writes a build as the bundler does: everything anew, the policy last. */
async function build(dir: string, name: string, at: Date): Promise<void> {
  await rm(join(dir, '_app'), { recursive: true, force: true })
  await mkdir(join(dir, '_app', 'immutable'), { recursive: true })
  await writeFile(join(dir, '_app', 'immutable', `${name}.js`), `/* ${name} */`)
  await writeFile(join(dir, '_app', 'version.json'), JSON.stringify({ version: name }))
  await writeFile(join(dir, 'shell.html'), `<head></head><script src="/_app/immutable/${name}.js"></script>`)
  await writeFile(join(dir, 'csp.json'), JSON.stringify({ policy: `script-src '${name}'` }))
  await utimes(join(dir, 'csp.json'), at, at)
}

/** The build `one`, served out of a folder of its own. */
async function serveBuild() {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld())
  const dir = stack.use(await makeTemporaryDir())
  await build(dir.path, 'one', new Date('2026-01-01'))
  const app = stack.adopt(await mountApi(world.ctx, []), (mounted) => mounted.close())
  await registerShell(app, world.ctx, dir.path)
  const owned = stack.move()
  return { world, app, dir, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

test('a build that is made under a running server is served, shell, policy and code', async () => {
  await using served = await serveBuild()
  const { app, dir } = served
  const get = (url: string) => app.inject({ method: 'GET', url })
  expect((await get('/search')).body).toContain('/one.js')

  await build(dir.path, 'two', new Date('2026-01-02'))

  const page = await get('/search')
  expect(page.body).toContain('/two.js')
  expect(page.headers['content-security-policy']).toContain("'two'")
  const code = await get('/_app/immutable/two.js')
  expect(code.statusCode).toBe(200)
  expect(code.headers['cache-control']).toContain('immutable')
  const version = await get('/_app/version.json')
  expect([version.json(), version.headers['cache-control']]).toEqual([{ version: 'two' }, 'no-cache'])
  expect((await get('/_app/immutable/one.js')).statusCode).toBe(404)
  expect((await get('/no/such/page')).statusCode).toBe(404)
})

test('a page of another release gets the code that it names', async () => {
  await using served = await serveBuild()
  await using other = await makeTemporaryDir()
  await build(other.path, 'two', new Date('2026-01-02'))

  await shelveAssets(served.world.ctx.config.dataDir, other.path, new Date('2026-01-02'))

  const code = await served.app.inject('/_app/immutable/two.js')
  expect([code.statusCode, code.body]).toEqual([200, '/* two */'])
  expect(code.headers['cache-control']).toContain('immutable')
  expect((await served.app.inject('/_app/immutable/one.js')).body).toBe('/* one */')
  const version = await served.app.inject('/_app/version.json')
  expect(version.json()).toEqual({ version: 'one' })
})

test('while a build is being written, the one before goes on', async () => {
  await using served = await serveBuild()
  const { app, dir } = served
  await rm(join(dir.path, 'csp.json'))
  await rm(join(dir.path, 'shell.html'))

  expect((await app.inject({ method: 'GET', url: '/search' })).body).toContain('/one.js')
})

test('an address of the API that does not exist is answered as a problem, a page that does not exist as a page', async () => {
  await using served = await serveBuild()
  const { app } = served

  for (const url of ['/api/v1/nonsense', '/api/v2/feed?x=1', '/api/', '/api', '/api?x']) {
    const answer = await app.inject({ url, headers: { accept: 'text/html' } })
    expect([url, answer.statusCode, answer.headers['content-type']]).toEqual([
      url,
      404,
      expect.stringContaining('application/problem+json'),
    ])
    expect(answer.json()).toMatchObject({ code: 'no-such-route' })
  }
  for (const url of ['/apiary', '/nonsense']) {
    const answer = await app.inject(url)
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8'])
  }
})
