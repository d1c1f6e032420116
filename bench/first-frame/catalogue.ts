/** A product with films in it, uploaded by the real way once, and kept for the next run. */
import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { signUp, uploadFilm, waitUntilComplete } from '../../tests/support/browser-upload.ts'
import { startProduct, type Product } from '../../tests/support/product.ts'
import { makeFeedClip } from '../upload/sources.ts'

export const CLIP_COUNT = 20
/** Under the system's temporary folder: as root, PostgreSQL runs as a user who may not enter the repository. */
const HOME_DIR = join(tmpdir(), 'upbeat-bench-first-frame')

/** Starts the product; uploads the films unless they are there from an earlier run of the same schema. */
export async function openCatalogue(say: (line: string) => void): Promise<Product> {
  const films: string[] = []
  for (let index = 0; index < CLIP_COUNT; index++) films.push(await makeFeedClip(index, say))
  const mark = createHash('sha256')
    .update(films.map((path) => basename(path)).join())
    .update(await readFile(join(import.meta.dirname, '..', '..', 'engines', 'ladder', 'arguments.ts')))
    .digest('hex')
  const dataDir = join(HOME_DIR, 'data')
  const markFile = join(HOME_DIR, 'filled-with')
  const isFilled = (await readFile(markFile, 'utf8').catch(() => '')) === mark
  if (!isFilled) await rm(HOME_DIR, { recursive: true, force: true })
  await mkdir(dataDir, { recursive: true })
  await chmod(HOME_DIR, 0o755)
  const product = await startProduct({ dataDir, env: { LOG_LEVEL: 'warn' } })
  try {
    await product.settled()
    if (!isFilled) {
      await fill(`http://127.0.0.1:${new URL(product.url).port}`, films, say)
      await writeFile(markFile, mark)
    }
    return product
  } catch (error) {
    await product.stop()
    throw error
  }
}

async function fill(url: string, films: readonly string[], say: (line: string) => void): Promise<void> {
  const authors = await Promise.all([1, 2, 3, 4].map(() => signUp(url)))
  for (const [index, path] of films.entries()) {
    const author = authors[index % authors.length]!
    const film = {
      path,
      filename: `clip-${index}.mp4`,
      mediaType: 'video/mp4',
      caption: `Clip ${index} #film`,
    }
    const { id } = await uploadFilm(url, author, film)
    await waitUntilComplete(url, author, id)
    say(`uploaded ${index + 1} of ${films.length}`)
  }
}
