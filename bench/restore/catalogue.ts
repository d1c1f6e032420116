/** Many videos out of one: the one was really uploaded and encoded; each copy has rows, files and bytes of its own. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import type { MediaManifest } from '../../engines/ladder/manifest.ts'
import { findPostgresAddress } from '../../platform/infra/postgres/address.ts'

const CONCURRENCY = 8
/** A box that players skip: makes the bytes of each copy its own. */
const FREE_BOX_BYTES = 32

interface Source {
  readonly videoId: string
  readonly manifest: MediaManifest
  readonly generation: number
  /** Names below `videos/<id>/` of what is no segment: pictures. */
  readonly others: readonly string[]
}

/** Adds copies of the video until there are `count` videos. @returns their bytes on the disk */
export async function multiply(
  dataDir: string,
  source: { readonly videoId: string; readonly count: number },
  say: (line: string) => void,
): Promise<number> {
  const url = await findPostgresAddress(join(dataDir, 'postgres'))
  const pool = new pg.Pool({ connectionString: url!, max: CONCURRENCY })
  try {
    const found = await readSource(pool, dataDir, source.videoId)
    let [made, bytes] = [1, 0]
    const work = async () => {
      while (made < source.count) {
        made++
        const added = await addCopy(pool, dataDir, found)
        bytes += added
        if (made % 1_000 === 0) say(`${made} of ${source.count} videos`)
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, work))
    await pool.query('analyze')
    return bytes
  } finally {
    await pool.end()
  }
}

async function readSource(pool: pg.Pool, dataDir: string, videoId: string): Promise<Source> {
  const { rows } = await pool.query<{
    manifest: MediaManifest
    generation: number
    poster: number
    preview: number
  }>(
    `select g.manifest, g.generation, v.poster_version as poster, v.preview_version as preview
     from video v join video_generation g on g.video_id = v.id and g.generation = v.generation where v.id = $1`,
    [videoId],
  )
  const { manifest, generation, poster, preview } = rows[0]!
  const others = [`poster-${poster}.jpg`, ...(preview === null ? [] : [`preview-${preview}.webp`])]
  for (const name of others) await readFile(join(dataDir, 'blobs', 'videos', videoId, name))
  return { videoId, manifest, generation, others }
}

async function addCopy(pool: pg.Pool, dataDir: string, source: Source): Promise<number> {
  const id = uuidv7()
  const blobs = join(dataDir, 'blobs')
  let total = 0
  const copy = async (from: string, to: string) => {
    const bytes = Buffer.concat([await readFile(join(blobs, from)), freeBox()])
    await mkdir(dirname(join(blobs, to)), { recursive: true })
    await writeFile(join(blobs, to), bytes)
    total += bytes.length
    return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
  }
  const manifest = structuredClone(source.manifest)
  for (const rendition of [...manifest.videos, ...(manifest.audio ? [manifest.audio] : [])])
    for (const file of [rendition.init, ...rendition.segments]) {
      const path = `g${rendition.generation}/${rendition.id}/${file.name}`
      Object.assign(file, await copy(`videos/${source.videoId}/${path}`, `videos/${id}/${path}`))
    }
  for (const name of source.others) await copy(`videos/${source.videoId}/${name}`, `videos/${id}/${name}`)
  const original = await copy(`originals/${source.videoId}/original`, `originals/${id}/original`)
  await addRows(pool, source, id, { manifest, original })
  return total
}

async function addRows(
  pool: pg.Pool,
  source: Source,
  id: string,
  made: {
    readonly manifest: MediaManifest
    readonly original: { readonly sizeBytes: number; readonly sha256: string }
  },
): Promise<void> {
  await pool.query(
    `with row as (select (jsonb_populate_record(v, jsonb_build_object('id', $2::uuid, 'upload_id', $3::uuid))).*
       from video v where v.id = $1) insert into video select * from row`,
    [source.videoId, id, uuidv7()],
  )
  await pool.query(
    `insert into video_generation (video_id, generation, kind, manifest, is_growing, created_at)
     select $2, generation, kind, $3, is_growing, created_at from video_generation where video_id = $1 and generation = $4`,
    [source.videoId, id, JSON.stringify(made.manifest), source.generation],
  )
  await pool.query(
    `with row as (select (jsonb_populate_record(u, jsonb_build_object('id', v.upload_id, 'video_id', v.id,
         'client_key', null, 'size_bytes', $3::bigint, 'received_bytes', $3::bigint, 'sha256', '\\x' || $4::text))).*
       from upload u, video v where u.video_id = $1 and v.id = $2) insert into upload select * from row`,
    [source.videoId, id, made.original.sizeBytes, made.original.sha256],
  )
}

function freeBox(): Buffer {
  const box = randomBytes(FREE_BOX_BYTES)
  box.writeUInt32BE(FREE_BOX_BYTES, 0)
  box.write('free', 4, 'latin1')
  return box
}
