/** Servers that speak as Mastodon's and Bluesky's do: their checks, their errors, their bounds, their memory of what was posted. */
import { createHash, randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { readText, serveLocally } from '../../../tests/support/local-server.ts'

interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

interface Said {
  readonly status: number
  readonly json: unknown
  readonly headers?: Readonly<Record<string, string>>
}

async function startJsonServer(answer: (asked: Asked) => Said | 'cut') {
  const asked: Asked[] = []
  const local = await serveLocally(async (request, response) => {
    const text = await readText(request)
    const { method = '', url = '', headers } = request
    const one = { method, path: url, headers, body: text === '' ? null : (JSON.parse(text) as unknown) }
    asked.push(one)
    const said = answer(one)
    if (said === 'cut') request.socket.destroy()
    else say(response, said)
  })
  return { ...local, asked }
}

const say = (response: ServerResponse, { status, json, headers }: Said): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    .end(JSON.stringify(json))

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
export const graphemesOf = (text: string): number => [...segmenter.segment(text)].length

export interface MastodonStatus {
  readonly id: string
  readonly status: string
  readonly visibility: string
  readonly language: string
  readonly in_reply_to_id: string | null
}

/** What it does instead, while it is set. */
export interface Mood {
  /** Answers with this. */
  refusal?: Said | undefined
  /** Does what was asked, and cuts the connection instead of answering, once. */
  isCut?: boolean
}

/** app/models/status.rb and app/validators/status_length_validator.rb: 500 characters, an address counts as 23. */
export async function startMastodon({ token }: { readonly token: string }) {
  const statuses: MastodonStatus[] = []
  const byKey = new Map<string, MastodonStatus>()
  const mood: Mood = {}
  const server = await startJsonServer(({ method, path, headers, body }) => {
    if (mood.refusal) return mood.refusal
    if (method !== 'POST' || path !== '/api/v1/statuses')
      return { status: 404, json: { error: 'Record not found' } }
    if (headers.authorization !== `Bearer ${token}`)
      return { status: 401, json: { error: 'The access token is invalid' } }
    const {
      status,
      visibility,
      language,
      in_reply_to_id: parent,
    } = {
      in_reply_to_id: null,
      ...(body as Omit<MastodonStatus, 'id' | 'in_reply_to_id'> & { in_reply_to_id?: string }),
    }
    const length = graphemesOf(status.replace(/https?:\/\/\S+/g, 'x'.repeat(23)))
    if (length > 500)
      return { status: 422, json: { error: 'Validation failed: Text character limit of 500 exceeded' } }
    if (parent !== null && !statuses.some(({ id }) => id === parent))
      return { status: 404, json: { error: 'Record not found' } }
    const key = String(headers['idempotency-key'])
    const made = byKey.get(key) ?? {
      id: String(113_500_000_000_000_000n + BigInt(statuses.length)),
      status,
      visibility,
      language,
      in_reply_to_id: parent,
    }
    if (!byKey.has(key)) statuses.push(made)
    byKey.set(key, made)
    if (!mood.isCut) return { status: 200, json: { ...made, uri: `https://m.example/${made.id}` } }
    mood.isCut = false
    return 'cut'
  })
  return {
    ...server,
    mood,
    statuses,
    delete: (id: string) =>
      void statuses.splice(
        statuses.findIndex((status) => status.id === id),
        1,
      ),
  }
}

export interface BlueskyPost {
  readonly $type: string
  readonly text: string
  readonly createdAt: string
  readonly langs: readonly string[]
  readonly facets?: readonly {
    readonly index: { readonly byteStart: number; readonly byteEnd: number }
    readonly features: readonly { readonly $type: string; readonly uri: string }[]
  }[]
  readonly reply?: { readonly root: StrongRef; readonly parent: StrongRef }
}

interface StrongRef {
  readonly uri: string
  readonly cid: string
}

const DID = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
const TID = /^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$/
const xrpcError = (status: number, error: string, message: string): Said => ({
  status,
  json: { error, message },
})

/** A PDS: com.atproto.server.* and com.atproto.repo.putRecord with the lexicon of app.bsky.feed.post. */
export async function startBluesky({
  identifier,
  appPassword,
}: {
  readonly identifier: string
  readonly appPassword: string
}) {
  const posts = new Map<string, StrongRef & { readonly record: BlueskyPost }>()
  const accessTokens = new Set<string>()
  const refreshTokens = new Set<string>()
  const issued = { password: appPassword }
  const counts = { created: 0, refreshed: 0, commits: 0 }
  const mood: Mood = {}

  function openSession(): Said {
    const [accessJwt, refreshJwt] = [randomUUID(), randomUUID()]
    accessTokens.add(accessJwt)
    refreshTokens.add(refreshJwt)
    return { status: 200, json: { accessJwt, refreshJwt, handle: identifier, did: DID, active: true } }
  }

  function put(body: unknown): Said | 'cut' {
    const { repo, collection, rkey, record } = body as {
      repo: string
      collection: string
      rkey: string
      record: BlueskyPost
    }
    if (repo !== DID) return xrpcError(401, 'AuthMissing', 'Authentication Required')
    const fault =
      collection === 'app.bsky.feed.post' ? faultOf(rkey, record, posts) : `no lexicon for ${collection}`
    if (fault !== null) return xrpcError(400, 'InvalidRequest', `Invalid record: ${fault}`)
    const uri = `at://${DID}/${collection}/${rkey}`
    const cid = `bafyrei${createHash('sha256').update(JSON.stringify(record)).digest('hex').slice(0, 52)}`
    // The same record again is no new commit.
    if (posts.get(uri)?.cid !== cid) counts.commits += 1
    posts.set(uri, { uri, cid, record })
    if (!mood.isCut) return { status: 200, json: { uri, cid, validationStatus: 'valid' } }
    mood.isCut = false
    return 'cut'
  }

  const server = await startJsonServer(({ path, headers, body }) => {
    if (mood.refusal) return mood.refusal
    const token = headers.authorization?.replace(/^Bearer /, '') ?? ''
    switch (path) {
      case '/xrpc/com.atproto.server.createSession': {
        counts.created += 1
        const given = body as { identifier: string; password: string }
        return given.identifier === identifier && given.password === issued.password
          ? openSession()
          : xrpcError(401, 'AuthenticationRequired', 'Invalid identifier or password')
      }
      case '/xrpc/com.atproto.server.refreshSession':
        counts.refreshed += 1
        if (body !== null)
          return xrpcError(400, 'InvalidRequest', 'A request body was provided when none was expected')
        return refreshTokens.delete(token)
          ? openSession()
          : xrpcError(400, 'ExpiredToken', 'Token has been revoked')
      case '/xrpc/com.atproto.repo.putRecord':
        return accessTokens.has(token) ? put(body) : xrpcError(400, 'ExpiredToken', 'Token has expired')
      default:
        return xrpcError(404, 'XRPCNotSupported', 'XRPCNotSupported')
    }
  })
  return {
    ...server,
    mood,
    counts,
    posts: () => [...posts.values()],
    /** The access tokens that were handed out have run out. */
    expire: () => accessTokens.clear(),
    /** Refresh tokens, too: as after two months. */
    expireAll() {
      accessTokens.clear()
      refreshTokens.clear()
    },
    /** The owner has made another one; sessions of the old one are over. */
    changePassword(password: string) {
      issued.password = password
      accessTokens.clear()
      refreshTokens.clear()
    },
  }
}

function faultOf(rkey: string, record: BlueskyPost, known: ReadonlyMap<string, StrongRef>): string | null {
  if (!TID.test(rkey)) return `record key ${rkey} is no TID`
  if (record.$type !== 'app.bsky.feed.post') return '$type differs from the collection'
  if (graphemesOf(record.text) > 300) return 'text must not be longer than 300 graphemes'
  if (Buffer.byteLength(record.text) > 3000) return 'text must not be longer than 3000 bytes'
  if (new Date(record.createdAt).toISOString() !== record.createdAt) return 'createdAt is no datetime'
  for (const { index, features } of record.facets ?? []) {
    const text = Buffer.from(record.text).subarray(index.byteStart, index.byteEnd).toString()
    if (features.some(({ uri }) => uri !== text)) return `the facet does not lie on its link: ${text}`
  }
  for (const ref of record.reply ? [record.reply.root, record.reply.parent] : [])
    if (known.get(ref.uri)?.cid !== ref.cid) return `reply to an unknown post ${ref.uri}`
  return null
}
