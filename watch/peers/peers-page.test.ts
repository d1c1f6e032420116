/** How each of two watches is told the other one's key: by a command, and by a page of the cockpit. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { environmentWith } from '../app/config.ts'
import { firstLink, joinBy, openBrowser, openWorld } from '../operators/cockpit.fixtures.ts'
import { openOwnKey } from './index.ts'
import { KEY_OF_C } from './pair.fixtures.ts'

const run = promisify(execFile)
const MAIN = join(import.meta.dirname, '..', 'main.ts')

test('the command writes the same line each time, and none for a watch without a name of its own', async () => {
  await using dir = await makeTemporaryDir()
  const ask = (env: Record<string, string>) =>
    run(process.execPath, [MAIN, 'peer-key', '--data', join(dir.path, 'data')], { env: environmentWith(env) })
  const first = await ask({ WATCH_ID: 'paris' })
  expect(first.stdout).toMatch(/^paris=ed25519:[\w-]{43}\n$/)
  expect((await ask({ WATCH_ID: 'paris' })).stdout).toBe(first.stdout)
  await expect(ask({})).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('WATCH_ID') })
})

test('operators read the key of this watch, and whom it knows by theirs', async () => {
  await using stage = await openWorld({
    WATCH_ID: 'paris',
    WATCH_PEER_KEY: KEY_OF_C.line,
  })
  const browser = openBrowser(stage.url)
  expect(await browser.send('/operate/watches')).not.toMatchObject({ status: 200 })
  await joinBy(browser, await firstLink(stage.world), 'ada')
  const { text } = await browser.send('/operate/watches')
  expect(text).toContain(`WATCH_PEER_KEY=${(await openOwnKey(stage.world.ctx)).line}`)
  expect(text).not.toContain('PRIVATE KEY')
  expect(text).toContain(KEY_OF_C.line.slice('c='.length))
  expect(text).toContain('It was never heard.')
})
