/** HTTP of media: playlists, segments, pictures, under /media. No session is read here: what is not open needs a token. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { runBehind } from '../../../kit/admission/index.ts'
import { inRequestScope } from '../../app/admission.ts'
import type { Ctx } from '../../app/context.ts'
import { NotFoundError } from '../../app/errors.ts'
import type { App } from '../../app/http.ts'
import {
  blobPrefixOf,
  missingFileQueue,
  posterKeyOf,
  previewKeyOf,
  verifyMediaToken,
} from '../videos/index.ts'
import { judgeConditions } from './conditions.ts'
import { openMediaCatalogue } from './media-catalogue.ts'
import type { MediaIndex, PlaylistEntry } from './media-index.ts'
import { parseAccountPicturePath, parseVideoMediaPath, type VideoMediaPath } from './media-paths.ts'

/** What a file counts as where admission gives no class. */
const PLAYBACK_CLASS = 0
const IMMUTABLE = 'max-age=31536000, immutable'
/** RFC 9211: of whoever is nearest to the files; edges before it add theirs. */
const FROM_STORE = 'upbeat; hit; detail=store'
/** A whole generation's playlists don't change; they are short-lived so that a deleted video leaves caches soon. */
const PLAYLIST = 'max-age=300'
const GROWING_PLAYLIST = 'max-age=1'
/** Edges ask again soon: what was hidden must not be played on from them (RFC 9213; stale-if-error of RFC 5861). */
const PLAYLIST_AT_EDGES = 'max-age=2, stale-while-revalidate=30, stale-if-error=86400'

interface Asset {
  readonly key: string
  /** Whose manifest names it, if one does. */
  readonly videoId?: string
  readonly sizeBytes: number
  readonly etag: string
  /** Of the whole file (RFC 9530), so that an edge keeps nothing else; of a picture, whoever wants it is told. */
  readonly reprDigest?: string
  readonly type: string
  readonly cacheControl: string
}

const missing = (path: string) => new NotFoundError('file', path)

/**
 * Mounts /media on the root of an app.
 *
 * @param app of which no hook reads sessions: playing must not depend on the database.
 */
export function registerMedia(app: App, ctx: Ctx): void {
  const catalogue = openMediaCatalogue(ctx)

  app.options('/media/*', async (_request, reply) => {
    allowAnyOrigin(reply)
    reply.header('access-control-allow-methods', 'GET, HEAD, OPTIONS')
    reply.header('access-control-allow-headers', 'range, if-range, if-none-match, priority')
    reply.header('access-control-max-age', '86400')
    return reply.code(204).send()
  })

  app.route({
    method: ['GET', 'HEAD'],
    url: '/media/*',
    handler: async (request, reply) => {
      allowAnyOrigin(reply)
      const path = request.url.split('?', 1)[0]!
      const pictureKey = parseAccountPicturePath(path)
      if (pictureKey !== null) {
        const picture = await pictureAsset(ctx, pictureKey, `public, ${IMMUTABLE}`)
        return sendAsset(ctx, request, reply, await withWantedDigest(ctx, request, picture))
      }
      const media = parseVideoMediaPath(path)
      if (!media) throw missing(path)
      const index = await catalogue.find(media.videoId)
      const scope = index && cacheScope(ctx, media, index)
      if (!index || !scope) throw missing(path)
      return sendMedia(ctx, request, reply, { media, index, scope, path })
    },
  })
}

/** How caches may keep it: null when this viewer may not have it at all. */
function cacheScope(
  ctx: Ctx,
  media: VideoMediaPath,
  index: MediaIndex,
): ((cacheControl: string) => string) | null {
  if (media.token === null) return index.isOpen ? (cacheControl) => `public, ${cacheControl}` : null
  const now = ctx.clock.now()
  const expiresAt = verifyMediaToken(ctx.secrets.media, media.videoId, media.token, now)
  if (!expiresAt) return null
  const leftS = Math.floor((expiresAt.getTime() - now.getTime()) / 1000)
  return (cacheControl) =>
    `private, ${cacheControl.replace(/max-age=(\d+)/, (_, s) => `max-age=${Math.min(Number(s), leftS)}`)}`
}

interface MediaRequest {
  readonly media: VideoMediaPath
  readonly index: MediaIndex
  readonly scope: (cacheControl: string) => string
  readonly path: string
}

async function sendMedia(
  ctx: Ctx,
  request: FastifyRequest,
  reply: FastifyReply,
  { media, index, scope, path }: MediaRequest,
): Promise<FastifyReply> {
  const { file, videoId } = media
  switch (file.kind) {
    case 'master':
    case 'playlist': {
      const name = file.kind === 'master' ? 'master' : file.renditionId
      const playlist = index.playlists.get(`g${file.generation}/${name}`)
      if (!playlist) throw missing(path)
      if (media.token === null) reply.header('cdn-cache-control', PLAYLIST_AT_EDGES)
      return sendPlaylist(request, reply, playlist, scope(playlist.isGrowing ? GROWING_PLAYLIST : PLAYLIST))
    }
    case 'segment': {
      const entry = index.files.get(file.path)
      if (!entry) throw missing(path)
      return sendAsset(ctx, request, reply, {
        key: `${blobPrefixOf(videoId)}/${file.path}`,
        videoId,
        sizeBytes: entry.sizeBytes,
        etag: entry.etag,
        reprDigest: entry.reprDigest,
        type: entry.isAudio ? 'audio/mp4' : 'video/mp4',
        cacheControl: scope(IMMUTABLE),
      })
    }
    case 'poster':
    case 'preview': {
      const current = file.kind === 'poster' ? index.posterVersion : index.previewVersion
      const version = file.version === 0 ? current : file.version
      if (version === null) throw missing(path)
      const key = file.kind === 'poster' ? posterKeyOf(videoId, version) : previewKeyOf(videoId, version)
      const cacheControl = scope(file.version === 0 ? 'max-age=0, must-revalidate' : IMMUTABLE)
      const picture = await pictureAsset(ctx, key, cacheControl)
      return sendAsset(ctx, request, reply, await withWantedDigest(ctx, request, picture))
    }
  }
}

/** So much is read to state a picture's digest; they are a tenth of it. */
const DIGESTED_PICTURE_MAX_BYTES = 4 * 1024 ** 2

/** A picture, with its digest for whoever wants one (RFC 9530, section 4): an edge, once. */
async function withWantedDigest(ctx: Ctx, request: FastifyRequest, picture: Asset): Promise<Asset> {
  const isWanted = String(request.headers['want-repr-digest'] ?? '').includes('sha-256')
  if (!isWanted || picture.sizeBytes > DIGESTED_PICTURE_MAX_BYTES) return picture
  const hash = createHash('sha256')
  for await (const chunk of await openBlob(ctx, picture)) hash.update(chunk as Buffer)
  return { ...picture, reprDigest: `sha-256=:${hash.digest('base64')}:` }
}

/** Behind the store's door: while it hangs, players hear so, and what needs no file goes on. @throws {NotAdmittedError} */
const fromStore = <T>(ctx: Ctx, read: () => Promise<T>): Promise<T> =>
  inRequestScope(PLAYBACK_CLASS, () => runBehind(ctx.blobsDoor, read))

/** A picture's address names its version, so its key is its strong validator. */
async function pictureAsset(ctx: Ctx, key: string, cacheControl: string): Promise<Asset> {
  const stored = await fromStore(ctx, () => ctx.blobs.stat(key))
  if (!stored) throw missing(key)
  return {
    key,
    sizeBytes: stored.sizeBytes,
    etag: `"${key.replaceAll('/', '-')}"`,
    type: key.endsWith('.webp') ? 'image/webp' : 'image/jpeg',
    cacheControl,
  }
}

function sendPlaylist(
  request: FastifyRequest,
  reply: FastifyReply,
  { text, etag }: PlaylistEntry,
  cacheControl: string,
): FastifyReply {
  reply.header('etag', etag).header('cache-control', cacheControl).header('cache-status', FROM_STORE)
  const verdict = judgeConditions({ ifNoneMatch: request.headers['if-none-match'] }, etag, text.length)
  if (verdict.kind === 'unchanged') return reply.code(304).send()
  return reply.type('application/vnd.apple.mpegurl').send(text)
}

async function sendAsset(
  ctx: Ctx,
  request: FastifyRequest,
  reply: FastifyReply,
  asset: Asset,
): Promise<FastifyReply> {
  const { 'if-none-match': ifNoneMatch, 'if-range': ifRange, range } = request.headers
  const isHead = request.method === 'HEAD'
  // 14.2: a server must ignore Range on any method but GET.
  const verdict = judgeConditions(
    { ifNoneMatch, ifRange: ifRange as string | undefined, range: isHead ? undefined : range },
    asset.etag,
    asset.sizeBytes,
  )
  reply
    .header('etag', asset.etag)
    .header('cache-control', asset.cacheControl)
    .header('accept-ranges', 'bytes')
    .header('cache-status', FROM_STORE)
  if (asset.reprDigest !== undefined) reply.header('repr-digest', asset.reprDigest)
  if (verdict.kind === 'unchanged') return reply.code(304).send()
  if (verdict.kind === 'unsatisfiable') {
    reply.header('content-range', `bytes */${asset.sizeBytes}`).header('cache-control', 'no-store')
    return reply.code(416).send()
  }
  const part = verdict.kind === 'part' ? verdict.range : undefined
  // Opened before a header is sent: a file that is missing is a 404, not a broken answer.
  const body = isHead ? null : await openBlob(ctx, asset, part)
  const sizeBytes = part ? part.end - part.start + 1 : asset.sizeBytes
  reply.type(asset.type).header('content-length', sizeBytes)
  if (part) reply.code(206).header('content-range', `bytes ${part.start}-${part.end}/${asset.sizeBytes}`)
  return body ? reply.send(body) : reply.send('')
}

async function openBlob(
  ctx: Ctx,
  { key, videoId }: Asset,
  range?: { start: number; end: number },
): Promise<Readable> {
  try {
    return await fromStore(ctx, () => ctx.blobs.read(key, range))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    ctx.log.warn({ key }, 'a file that a manifest names is missing')
    if (videoId !== undefined) reportMissing(ctx, videoId)
    throw missing(key)
  }
}

/** Has the video mended at once; while the database is away the reconciler finds it later. */
function reportMissing(ctx: Ctx, videoId: string): void {
  ctx.jobs.enqueue(ctx.db, missingFileQueue, { videoId }, { key: videoId }).catch((error: unknown) => {
    ctx.log.warn({ err: error, videoId }, 'a missing file could not be reported')
  })
}

/** Media carry no credentials, and players of other origins (edges, embeds) read them. */
function allowAnyOrigin(reply: FastifyReply): void {
  reply.header('access-control-allow-origin', '*')
  reply.header(
    'access-control-expose-headers',
    'content-length, content-range, accept-ranges, etag, cache-status, repr-digest, upbeat-edge',
  )
  reply.header('timing-allow-origin', '*')
  reply.header('cross-origin-resource-policy', 'cross-origin')
}
