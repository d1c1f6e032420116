/** HTTP of uploads: tus 1.0.0 with creation, creation-with-upload, termination and checksum; receipts; the index. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { inScope } from '../../../kit/http/fastify-scope.ts'
import { Id, PageQuery, pageOf } from '../../../contract/common.ts'
import { Receipt, UploadLimits } from '../../../contract/uploads.ts'
import type { Ctx } from '../../app/context.ts'
import { AppError } from '../../app/errors.ts'
import { requireViewer, type App, type Routes } from '../../app/http.ts'
import { lingerThenClose } from '../../app/slow-clients.ts'
import { meetEncoder } from './encoder.ts'
import { loadUploadLimits } from './limits.ts'
import { createOpenUploads, type OpenUploads } from './open-uploads.ts'
import { listReceipts, readReceipt } from './receipts.ts'
import {
  readByteCount,
  readUploadChecksum,
  requireTusVersion,
  TUS_CHECKSUM_ALGORITHMS,
  TUS_CONTENT_TYPE,
  TUS_EXTENSIONS,
  TUS_VERSION,
} from './tus-headers.ts'
import { startUploadUpkeep } from './upkeep.ts'
import * as service from './uploads.service.ts'

const Params = z.object({ id: Id })

/** Mounts uploads in the process that holds the staging disk; its upkeep and its open files end with the app. */
export const uploadRoutes: Routes = async (app, ctx) => {
  const open: OpenUploads = createOpenUploads(ctx, {
    onOpen: (upload) => meetEncoder(ctx, () => open, upload),
  })
  const upkeep = startUploadUpkeep(ctx, open)
  app.addHook('onClose', async () => {
    await upkeep[Symbol.asyncDispose]()
    await open[Symbol.asyncDispose]()
  })
  await inScope(app, (scope) => {
    // Bodies are read by the verbs, as they come.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.addHook('onRoute', (route) => {
      if (route.method !== 'GET') route.config = { ...route.config, hasOwnStallRule: true }
    })
    registerReceipts(scope, ctx)
    registerTus(scope, ctx, open)
    registerIndex(scope, ctx, open)
  })
}

function registerReceipts(app: App, ctx: Ctx): void {
  app.get('/uploads/limits', { schema: { response: { 200: UploadLimits } } }, async (request, reply) => {
    const { id } = requireViewer(request)
    reply.header('cache-control', 'no-store')
    return loadUploadLimits(ctx, id)
  })
  app.get(
    '/uploads',
    { exposeHeadRoute: false, schema: { querystring: PageQuery, response: { 200: pageOf(Receipt) } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return listReceipts(ctx, { viewerId: requireViewer(request).id, page: request.query })
    },
  )
  app.get(
    '/uploads/:id',
    { exposeHeadRoute: false, schema: { params: Params, response: { 200: Receipt } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return readReceipt(ctx, { viewerId: requireViewer(request).id, uploadId: request.params.id })
    },
  )
}

function registerTus(app: App, ctx: Ctx, open: OpenUploads): void {
  for (const url of ['/uploads', '/uploads/:id'])
    app.options(url, { schema: { hide: true } }, async (_request, reply) =>
      reply
        .headers({
          'tus-resumable': TUS_VERSION,
          'tus-version': TUS_VERSION,
          'tus-extension': TUS_EXTENSIONS,
          'tus-max-size': ctx.config.uploads.maxSizeBytes,
          'tus-checksum-algorithm': TUS_CHECKSUM_ALGORITHMS.join(','),
        })
        .code(204)
        .send(),
    )
  app.post('/uploads', { schema: { response: { 201: Receipt } } }, (request, reply) =>
    answerTus(request, reply, () => create(ctx, open, request, reply)),
  )
  app.head('/uploads/:id', { schema: { params: Params } }, (request, reply) =>
    answerTus(request, reply, () => tellOffset(ctx, open, request, reply)),
  )
  app.patch('/uploads/:id', { schema: { params: Params } }, (request, reply) =>
    answerTus(request, reply, () => receive(ctx, open, request, reply)),
  )
  app.delete('/uploads/:id', { schema: { params: Params } }, (request, reply) =>
    answerTus(request, reply, () => terminate(ctx, open, request, reply)),
  )
  // "If the X-HTTP-Method-Override header is present, the Server MUST interpret its value as the request's method."
  app.post('/uploads/:id', { schema: { params: Params, hide: true } }, (request, reply) =>
    answerTus(request, reply, async () => {
      const method = String(request.headers['x-http-method-override']).toUpperCase()
      if (method === 'PATCH') return receive(ctx, open, request, reply)
      if (method === 'DELETE') return terminate(ctx, open, request, reply)
      throw new AppError('no-such-route', { detail: `There is no POST ${request.url}.` })
    }),
  )
}

function registerIndex(app: App, ctx: Ctx, open: OpenUploads): void {
  app.put('/uploads/:id/index', { schema: { params: Params } }, async (request, reply) => {
    await service.putIndex(ctx, open, {
      ...targetOf(request),
      offset: readByteCount(request.headers, 'Upload-Index-Offset'),
      body: request.raw,
    })
    return reply.code(204).send()
  })
}

type WithId = FastifyRequest<{ Params: { id: string } }>

const targetOf = (request: FastifyRequest): service.UploadTarget => ({
  accountId: requireViewer(request).id,
  uploadId: (request as WithId).params.id,
})

/** What all tus answers have in common: the version, no caching, and a client that gets to read them. */
async function answerTus<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: () => Promise<T>,
): Promise<T> {
  reply.header('tus-resumable', TUS_VERSION).header('cache-control', 'no-store')
  try {
    if (request.method !== 'DELETE' || request.headers['tus-resumable'] !== undefined)
      requireTusVersion(request.headers)
    return await answer()
  } catch (error) {
    if (error instanceof AppError && error.code === 'tus-version') reply.header('tus-version', TUS_VERSION)
    throw error
  } finally {
    lingerThenClose(request.raw)
  }
}

async function create(
  ctx: Ctx,
  open: OpenUploads,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Receipt> {
  const accountId = requireViewer(request).id
  if (request.headers['upload-defer-length'] !== undefined)
    throw new AppError('invalid-input', { detail: 'Upload-Length: The size has to be known beforehand.' })
  const row = await service.createUpload(ctx, {
    accountId,
    sizeBytes: readByteCount(request.headers, 'Upload-Length'),
    metadata: String(request.headers['upload-metadata'] ?? ''),
    clientKey: readIdempotencyKey(request),
  })
  reply.header('location', `${request.routeOptions.url}/${row.id}`)
  if (request.headers['content-type'] === TUS_CONTENT_TYPE && row.received_bytes === 0)
    reply.header('upload-offset', await receiveFrom(ctx, open, request, { accountId, uploadId: row.id }, 0))
  reply.code(201)
  return readReceipt(ctx, { viewerId: accountId, uploadId: row.id })
}

function readIdempotencyKey(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key']
  if (key === undefined) return null
  const parsed = Id.safeParse(key)
  if (parsed.success) return parsed.data
  throw new AppError('invalid-input', { detail: 'Idempotency-Key: A UUID is needed.' })
}

async function tellOffset(
  ctx: Ctx,
  open: OpenUploads,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const row = await service.readOffset(ctx, open, targetOf(request))
  if (row.metadata !== '') reply.header('upload-metadata', row.metadata)
  return reply
    .header('upload-offset', row.received_bytes)
    .header('upload-length', row.size_bytes)
    .code(200)
    .send()
}

async function receive(
  ctx: Ctx,
  open: OpenUploads,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const target = targetOf(request)
  // "All PATCH requests MUST use Content-Type: application/offset+octet-stream, otherwise 415."
  if (request.headers['content-type'] !== TUS_CONTENT_TYPE)
    throw new AppError('unsupported-media-type', { detail: `Content-Type has to be ${TUS_CONTENT_TYPE}.` })
  const offset = readByteCount(request.headers, 'Upload-Offset')
  try {
    const receivedBytes = await receiveFrom(ctx, open, request, target, offset)
    return await reply.header('upload-offset', receivedBytes).code(204).send()
  } catch (error) {
    const at = error instanceof AppError ? error.details.facts?.receivedBytes : undefined
    if (typeof at === 'number') reply.header('upload-offset', at)
    throw error
  }
}

function receiveFrom(
  ctx: Ctx,
  open: OpenUploads,
  request: FastifyRequest,
  target: service.UploadTarget,
  offset: number,
): Promise<number> {
  const length = request.headers['content-length']
  return service.receiveBytes(ctx, open, {
    ...target,
    offset,
    contentLength: length === undefined ? null : Number(length),
    checksum: readUploadChecksum(request.headers),
    body: request.raw,
  })
}

async function terminate(
  ctx: Ctx,
  open: OpenUploads,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  await service.cancelUpload(ctx, open, targetOf(request))
  return reply.code(204).send()
}
