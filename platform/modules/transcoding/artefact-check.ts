/** Whether the files that manifests name are among the blobs, and as they were written. */
import { createHash } from 'node:crypto'
import type { MediaManifest } from '../../../engines/ladder/index.ts'
import type { Ctx } from '../../app/context.ts'
import { blobPrefixOf, segmentKeyOf } from '../videos/index.ts'

/** `presence` compares names and sizes; `contents` reads every byte. */
export type CheckDepth = 'presence' | 'contents'

export interface CheckResult {
  readonly brokenGenerations: readonly number[]
  readonly readBytes: number
}

interface NamedFile {
  readonly key: string
  readonly sizeBytes: number
  readonly sha256: string
}

/** Checks each file once, however many generations use it. */
export async function checkArtefacts(
  ctx: Ctx,
  videoId: string,
  manifests: readonly MediaManifest[],
  depth: CheckDepth,
): Promise<CheckResult> {
  const stored = new Map<string, number>()
  for await (const { key, sizeBytes } of ctx.blobs.list(blobPrefixOf(videoId))) stored.set(key, sizeBytes)
  const verdicts = new Map<string, boolean>()
  let readBytes = 0

  async function isRight(file: NamedFile): Promise<boolean> {
    if (stored.get(file.key) !== file.sizeBytes) return false
    if (depth === 'presence') return true
    readBytes += file.sizeBytes
    const bytes = await readOrNull(ctx, file.key)
    return bytes !== null && createHash('sha256').update(bytes).digest('hex') === file.sha256
  }

  const brokenGenerations: number[] = []
  for (const manifest of manifests) {
    let isBroken = false
    for (const file of filesOf(videoId, manifest)) {
      const verdict = verdicts.get(file.key) ?? (await isRight(file))
      verdicts.set(file.key, verdict)
      isBroken ||= !verdict
    }
    if (isBroken) brokenGenerations.push(manifest.generation)
  }
  return { brokenGenerations, readBytes }
}

/** Null: it is not there, or the disk can't read it. */
async function readOrNull(ctx: Ctx, key: string): Promise<Uint8Array | null> {
  try {
    return await ctx.blobs.readAll(key)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error
    return null
  }
}

function filesOf(videoId: string, { videos, audio }: MediaManifest): NamedFile[] {
  return [...videos, ...(audio ? [audio] : [])].flatMap((rendition) =>
    [rendition.init, ...rendition.segments].map(({ name, sizeBytes, sha256 }) => ({
      key: segmentKeyOf(videoId, rendition.generation, rendition.id, name),
      sizeBytes,
      sha256,
    })),
  )
}
