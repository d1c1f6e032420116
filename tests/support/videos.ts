/** Videos for tests: rows and manifests as the encoder would report them, without its files. */
import type { Visibility } from '../../contract/videos.ts'
import type { MediaManifest, VideoRendition } from '../../engines/ladder/manifest.ts'
import type { Ctx } from '../../platform/app/context.ts'
import { inTransaction } from '../../platform/infra/db/index.ts'
import { createVideo, recordGeneration } from '../../platform/modules/videos/index.ts'

export interface TestVideoOptions {
  /** @default 'public' */
  readonly visibility?: Visibility
  /** @default '' */
  readonly caption?: string
  /** @default true */
  readonly isPublishRequested?: boolean
  /** Whether it has a generation, and so is published when that was asked for. @default true */
  readonly isPlayable?: boolean
}

/** Makes a video of the account; answers its id. */
export async function makeVideo(
  { ctx }: { readonly ctx: Ctx },
  accountId: string,
  options: TestVideoOptions = {},
): Promise<string> {
  const id = ctx.newId()
  await inTransaction(ctx, async (tx) => {
    await createVideo(ctx, tx, {
      id,
      accountId,
      uploadId: ctx.newId(),
      caption: options.caption ?? '',
      visibility: options.visibility ?? 'public',
      coverAtMs: null,
      isPublishRequested: options.isPublishRequested ?? true,
    })
    if (options.isPlayable ?? true)
      await recordGeneration(ctx, tx, { videoId: id, manifest: makeManifest(1, 'first-rung', [540]) })
  })
  return id
}

/** A manifest of 16:9 renditions of one segment each. */
export function makeManifest(
  generation: number,
  kind: MediaManifest['kind'],
  heights: readonly number[],
): MediaManifest {
  const videos = heights.map((height) => makeRendition(generation, height))
  return {
    version: 1,
    generation,
    kind,
    durationMs: 2000,
    width: videos[0]!.width,
    height: videos[0]!.height,
    videos,
    audio: null,
  }
}

export function makeRendition(generation: number, height: number): VideoRendition {
  return {
    id: `v${height}`,
    codecs: 'avc1.64001f',
    generation,
    init: { name: 'init.mp4', sizeBytes: 700, sha256: '00' },
    segments: [{ name: '00000.m4s', durationMs: 2000, sizeBytes: 100_000, sha256: '00' }],
    width: Math.round((height * 16) / 9),
    height,
    fps: 30,
  }
}
