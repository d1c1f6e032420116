/**
 * Fills an instance with the demo, over HTTP as any client would: people sign up, upload, like, comment and follow.
 * Everything carries a key made from its name, so a demo that was cut off goes on where it was.
 */
import { readFile, mkdtemp, rm, writeFile, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomBytes } from 'node:crypto'
import { v5 as uuidv5 } from 'uuid'
import type { Log } from '../../kit/log.ts'
import { demoClips, makeClip, makePicture, type DemoClip } from './clips.ts'
import { demoComments, demoPeople, demoReplies, type DemoPerson } from './people.ts'
import { openClient, type DemoClient } from './client.ts'

export interface DemoOptions {
  /** Where the instance answers. */
  readonly url: string
  /** Keeps the made-up people's passwords, readable by the owner only. */
  readonly passwordsPath: string
  readonly log: Log
  readonly signal: AbortSignal
}

const NAMESPACE = '5c2f1c0e-6f0b-4a55-9a86-5a1de0a0d3b1'
const keyOf = (...parts: readonly (string | number)[]) => uuidv5(parts.join('/'), NAMESPACE)
const PLAYABLE_TIMEOUT_MS = 180_000
const POLL_MS = 500

/** Seeds the demo. Idempotent; stops early when the signal is aborted. */
export async function seedDemo(options: DemoOptions): Promise<void> {
  const { log, signal } = options
  const workDir = await mkdtemp(join(tmpdir(), 'upbeat-demo-'))
  try {
    const passwords = await loadPasswords(options.passwordsPath)
    const clients = new Map<string, DemoClient>()
    for (const person of demoPeople) {
      signal.throwIfAborted()
      clients.set(person.handle, await enter(options.url, person, passwords, workDir, signal))
    }
    await makeFriends(clients)
    for (const [index, clip] of demoClips.entries()) {
      signal.throwIfAborted()
      const videoId = await uploadClip(clip, index, clients.get(clip.author)!, workDir, signal)
      if (videoId) await react(videoId, index, clip, clients)
      log.info({ clip: clip.name, of: demoClips.length, done: index + 1 }, 'demo clip')
    }
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
}

async function loadPasswords(path: string): Promise<Record<string, string>> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Record<string, string>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const made = Object.fromEntries(
    demoPeople.map(({ handle }) => [handle, randomBytes(18).toString('base64url')]),
  )
  await writeFile(`${path}.tmp`, JSON.stringify(made, null, 2), { mode: 0o600 })
  await rename(`${path}.tmp`, path)
  return made
}

async function enter(
  url: string,
  person: DemoPerson,
  passwords: Record<string, string>,
  workDir: string,
  signal: AbortSignal,
): Promise<DemoClient> {
  const client = openClient(url, signal)
  const isNew = await client.signUpOrIn(person.handle, passwords[person.handle]!)
  if (isNew) {
    const path = join(workDir, 'picture.png')
    await makePicture(person.colours, path, signal)
    await client.call('PATCH', '/me', { name: person.name, bio: person.bio })
    await client.putBytes('/me/picture', await readFile(path), 'image/png')
  }
  return client
}

/** Everyone follows the next three; the film club is followed by all. */
async function makeFriends(clients: ReadonlyMap<string, DemoClient>): Promise<void> {
  const handles = [...clients.keys()]
  for (const [i, handle] of handles.entries()) {
    const followed = new Set([1, 2, 3].map((step) => handles[(i + step) % handles.length]!))
    followed.add('peach.open.movie').delete(handle)
    for (const other of followed) await clients.get(handle)!.call('PUT', `/profiles/${other}/follow`)
  }
}

async function uploadClip(
  clip: DemoClip,
  index: number,
  client: DemoClient,
  workDir: string,
  signal: AbortSignal,
): Promise<string | null> {
  const path = join(workDir, `${index}.mp4`)
  await makeClip(clip, path, signal)
  const upload = await client.upload({
    bytes: await readFile(path),
    key: keyOf('upload', clip.name),
    metadata: { filename: `${clip.name}.mp4`, filetype: 'video/mp4', caption: clip.caption, publish: '1' },
  })
  await rm(path)
  const deadlineMs = performance.now() + PLAYABLE_TIMEOUT_MS
  while (performance.now() < deadlineMs) {
    const receipt = await client.receipt(upload.id)
    if (receipt.publishedAt) return receipt.videoId
    if (receipt.failure) return null
    await sleep(POLL_MS, undefined, { signal })
  }
  return null
}

/** Likes, comments and replies that differ from clip to clip but are the same each time. */
async function react(
  videoId: string,
  index: number,
  clip: DemoClip,
  clients: ReadonlyMap<string, DemoClient>,
): Promise<void> {
  const others = [...clients].filter(([handle]) => handle !== clip.author)
  const chosen = (offset: number, count: number) =>
    Array.from({ length: count }, (_, i) => others[(index * 5 + offset + i * 3) % others.length]!)
  const likers = new Map(chosen(0, 3 + (index % 6)))
  for (const client of likers.values()) await client.call('PUT', `/videos/${videoId}/like`)
  for (const [i, [, client]] of chosen(2, 1 + (index % 3)).entries()) {
    const body = demoComments[(index * 3 + i) % demoComments.length]!
    const comment = await client.call<{ id: string }>(
      'POST',
      `/videos/${videoId}/comments`,
      { body },
      keyOf('comment', clip.name, i),
    )
    if (i > 0) continue
    const reply = demoReplies[index % demoReplies.length]!
    await clients
      .get(clip.author)!
      .call(
        'POST',
        `/videos/${videoId}/comments`,
        { body: reply, parentId: comment.id },
        keyOf('reply', clip.name),
      )
  }
  for (const [, client] of chosen(4, 4 + (index % 5))) {
    await client.call('POST', '/views', {
      views: [
        {
          videoId,
          key: keyOf('view', clip.name, client.handle),
          watchedMs: 4000 + (index % 4) * 1500,
          completions: index % 2,
          source: 'for-you',
        },
      ],
    })
  }
}
