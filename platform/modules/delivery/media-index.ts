/** What of a video can be delivered: rendered playlists and every file that a manifest names, looked up by path. */
import { createHash } from 'node:crypto'
import { renderMasterPlaylist, renderMediaPlaylist } from '../../../engines/ladder/playlists.ts'
import type { MediaManifest } from '../../../engines/ladder/manifest.ts'

export interface PlaylistEntry {
  readonly text: string
  readonly etag: string
  /** More segments will be added under the same address. */
  readonly isGrowing: boolean
}

export interface FileEntry {
  readonly sizeBytes: number
  readonly etag: string
  /** As `Repr-Digest` states it (RFC 9530). */
  readonly reprDigest: string
  readonly isAudio: boolean
}

export interface MediaIndex {
  /** Everyone may have it: public and published. Else a token is needed. */
  readonly isOpen: boolean
  readonly posterVersion: number | null
  readonly previewVersion: number | null
  /** `g1/master` and `g1/v540`. */
  readonly playlists: ReadonlyMap<string, PlaylistEntry>
  /** `g1/v540/00000.m4s`. */
  readonly files: ReadonlyMap<string, FileEntry>
}

export interface IndexSource {
  readonly isOpen: boolean
  readonly posterVersion: number | null
  readonly previewVersion: number | null
  readonly generations: readonly { readonly manifest: MediaManifest; readonly isGrowing: boolean }[]
}

/** Pure. A generation's playlists name files of earlier generations where it reuses their renditions. */
export function buildMediaIndex(source: IndexSource): MediaIndex {
  const playlists = new Map<string, PlaylistEntry>()
  const files = new Map<string, FileEntry>()
  for (const { manifest, isGrowing } of source.generations) {
    const folder = `g${manifest.generation}`
    playlists.set(`${folder}/master`, toPlaylist(renderMasterPlaylist(manifest), isGrowing))
    const { audio } = manifest
    for (const rendition of audio ? [...manifest.videos, audio] : manifest.videos) {
      const home = `g${rendition.generation}`
      const prefix = home === folder ? '' : `../${home}/`
      const text = renderMediaPlaylist(rendition, {
        fileUri: (of, name) => `${prefix}${of.id}/${name}`,
        isComplete: !isGrowing,
      })
      playlists.set(`${folder}/${rendition.id}`, toPlaylist(text, isGrowing))
      for (const file of [rendition.init, ...rendition.segments])
        files.set(`${home}/${rendition.id}/${file.name}`, {
          sizeBytes: file.sizeBytes,
          etag: `"${file.sha256.slice(0, 32)}"`,
          reprDigest: `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`,
          isAudio: rendition === audio,
        })
    }
  }
  const { isOpen, posterVersion, previewVersion } = source
  return { isOpen, posterVersion, previewVersion, playlists, files }
}

function toPlaylist(text: string, isGrowing: boolean): PlaylistEntry {
  return { text, etag: `"${createHash('sha256').update(text).digest('hex').slice(0, 32)}"`, isGrowing }
}
