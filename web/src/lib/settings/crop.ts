/** The square that is cut out of a picture: where it may lie, and cutting it. */

export interface Size {
  readonly width: number
  readonly height: number
}

/** The middle of the square, in pixels of the picture, and how much larger than "just filling" it is shown (1 to 4). */
export interface Crop {
  readonly x: number
  readonly y: number
  readonly zoom: number
}

export const MAX_ZOOM = 4

/** Edge length of the square in pixels of the picture. */
export function edgeOf(picture: Size, zoom: number): number {
  return Math.min(picture.width, picture.height) / zoom
}

/** The whole of the picture's middle. */
export function centredCrop(picture: Size): Crop {
  return { x: picture.width / 2, y: picture.height / 2, zoom: 1 }
}

/** The nearest crop that lies within the picture. */
export function clampCrop(crop: Crop, picture: Size): Crop {
  const zoom = clamp(crop.zoom, 1, MAX_ZOOM)
  const half = edgeOf(picture, zoom) / 2
  return { zoom, x: clamp(crop.x, half, picture.width - half), y: clamp(crop.y, half, picture.height - half) }
}

/** Moves by pixels of the screen, where the square is `viewPx` wide. */
export function moveCrop(crop: Crop, picture: Size, by: { dx: number; dy: number }, viewPx: number): Crop {
  const scale = edgeOf(picture, crop.zoom) / viewPx
  return clampCrop({ ...crop, x: crop.x - by.dx * scale, y: crop.y - by.dy * scale }, picture)
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}

/** Cuts the square out, `sidePx` wide at most, as a JPEG. */
export async function cutSquare(image: HTMLImageElement, crop: Crop, sidePx: number): Promise<Blob> {
  const picture = { width: image.naturalWidth, height: image.naturalHeight }
  const edge = edgeOf(picture, crop.zoom)
  const side = Math.max(1, Math.min(sidePx, Math.round(edge)))
  const canvas = document.createElement('canvas')
  canvas.width = side
  canvas.height = side
  const pen = canvas.getContext('2d')!
  // JPEG has no transparency: what is clear becomes white, not black.
  pen.fillStyle = '#fff'
  pen.fillRect(0, 0, side, side)
  pen.imageSmoothingQuality = 'high'
  pen.drawImage(image, crop.x - edge / 2, crop.y - edge / 2, edge, edge, 0, 0, side, side)
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error('The canvas gave no picture.'))),
      'image/jpeg',
      0.9,
    )
  })
}
