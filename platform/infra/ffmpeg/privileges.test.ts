/** ffmpeg copies any file byte for byte when told to: it stands for a decoder that a hostile source has taken over. */
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { HANDED_FILE, runFfmpeg } from './index.ts'
import { closeNetwork } from './privileges.ts'

const limits = { timeoutMs: 20_000 }
const isRoot = process.getuid!() === 0

/** What it can read of a path; null: it may not. */
async function readAsFfmpeg(path: string, file?: string): Promise<string | null> {
  const parts: Uint8Array[] = []
  try {
    await runFfmpeg({
      args: [
        '-nostdin',
        '-f',
        'data',
        '-i',
        `file:${path}`,
        '-map',
        '0',
        '-c',
        'copy',
        '-f',
        'data',
        'pipe:3',
      ],
      limits,
      outputs: [(chunk) => void parts.push(chunk)],
      ...(file !== undefined && { file }),
    })
  } catch (error) {
    expect(error).toMatchObject({
      failure: 'bad-input',
      stderrTail: expect.stringMatching('Permission denied'),
    })
    return null
  }
  return Buffer.concat(parts).toString()
}

const statusOf = (text: string, field: string) =>
  new RegExp(`^${field}:\\s*(.*?)\\s*$`, 'm').exec(text)![1]!.split(/\s+/)

/** A data folder as an instance has it: passable, with what is private closed to everybody else. */
async function makeDataDir(path: string) {
  const own = join(path, 'blobs', 'own.mp4')
  const other = join(path, 'blobs', 'other.mp4')
  const secrets = join(path, 'secrets.json')
  await mkdir(join(path, 'blobs'), { mode: 0o700 })
  await writeFile(own, 'the source at hand')
  await writeFile(other, "another account's private source")
  await writeFile(secrets, 'the signing key', { mode: 0o600 })
  await chmod(other, 0o644)
  return { own, other, secrets }
}

test('it is never root, has no capability, and can get none', async () => {
  const status = await readAsFfmpeg('/proc/self/status')

  const ids = statusOf(status!, 'Uid')
  expect(new Set(ids).size).toBe(1)
  if (isRoot) expect(ids).not.toContain('0')
  else expect(ids).toContain(String(process.getuid!()))
  expect(statusOf(status!, 'Gid').includes('0') || statusOf(status!, 'Groups').includes('0')).toBe(
    !isRoot && (process.getgid!() === 0 || process.getgroups!().includes(0)),
  )
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'])
    expect(statusOf(status!, set)).toEqual([expect.stringMatching(/^0+$/)])
  expect(statusOf(status!, 'NoNewPrivs')).toEqual(['1'])
})

test('it sees no network at all, where the machine allows that', async () => {
  const table = await readAsFfmpeg('/proc/self/net/dev')

  const interfaces = [...table!.matchAll(/^ *([^ :|]+):/gm)].map(([, name]) => name)
  const ours = [...(await readFile('/proc/self/net/dev', 'utf8')).matchAll(/^ *([^ :|]+):/gm)].map(
    ([, name]) => name,
  )
  expect(interfaces).toEqual((await closeNetwork()).length > 0 ? ['lo'] : ours)
})

test('it reads the source that it is handed, however closed that is to others', async () => {
  await using dir = await makeTemporaryDir()
  const { own } = await makeDataDir(dir.path)

  for (const mode of [0o600, 0o640, 0o644, 0o604]) {
    await chmod(own, mode)
    expect(await readAsFfmpeg(HANDED_FILE, own)).toBe('the source at hand')
  }
})

test('handing a source over opens it to nobody else', async () => {
  await using dir = await makeTemporaryDir()
  const { own } = await makeDataDir(dir.path)
  await chmod(own, 0o600)

  await readAsFfmpeg(HANDED_FILE, own)

  const [file, folder] = [await stat(own), await stat(join(dir.path, 'blobs'))]
  expect(file.mode & 0o777).toBe(isRoot ? 0o640 : 0o600)
  expect(file.uid).toBe(process.getuid!())
  expect(folder.mode & 0o777).toBe(0o700)
})

test("under root it can read neither another's source nor a secret; else no more than Upbeat itself", async () => {
  await using dir = await makeTemporaryDir()
  const { own, other, secrets } = await makeDataDir(dir.path)

  for (const path of [other, secrets, own])
    expect(await readAsFfmpeg(path, own)).toBe(isRoot ? null : await readFile(path, 'utf8'))
})

test('under root a run can look into no other run; else it is the same user', async () => {
  await using dir = await makeTemporaryDir()
  const { own, other } = await makeDataDir(dir.path)
  const [begun, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let pid = 0
  const abort = new AbortController()
  const running = runFfmpeg({
    args: ['-nostdin', '-f', 'lavfi', '-i', 'testsrc2=s=320x240', '-f', 'rawvideo', 'pipe:3'],
    file: other,
    limits,
    signal: abort.signal,
    onStart: (id) => void (pid = id),
    outputs: [() => (begun.resolve(), done.promise)],
  })
  await Promise.race([begun.promise, running])

  const seen = await readAsFfmpeg(`/proc/${pid}/fd/0`, own)

  done.resolve()
  abort.abort()
  await expect(running).rejects.toMatchObject({ failure: 'cancelled' })
  expect(seen).toBe(isRoot ? null : "another account's private source")
})

test('a source that is not there is no fault of its contents', async () => {
  await using dir = await makeTemporaryDir()
  const run = runFfmpeg({ args: ['-i', HANDED_FILE], limits, file: join(dir.path, 'gone.mp4') })
  await expect(run).rejects.toMatchObject({ code: 'ENOENT' })
})
