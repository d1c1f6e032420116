/** Videos for people to watch, as a person uploads them. */
import { signUp, uploadFilm, waitUntilComplete } from '../../support/browser-upload.ts'
import { makeClip, type ClipName } from '../../support/clips.ts'

/** Signs somebody up and has them publish so many clips; each can be played when this returns. */
export async function publishVideos(url: string, count: number, kind: ClipName = 'h264'): Promise<void> {
  const author = await signUp(url)
  const path = await makeClip(kind)
  for (let n = 1; n <= count; n++) {
    const film = { path, filename: 'clip.mp4', mediaType: 'video/mp4', caption: `Clip ${n}` }
    const { id } = await uploadFilm(url, author, film)
    await waitUntilComplete(url, author, id)
  }
}
