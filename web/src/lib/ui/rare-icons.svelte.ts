/** Fetches the icons that the first screen does without, once. */
import type { IconShape } from './icon-shape.ts'
import type { IconName } from './icons.ts'

type Shapes = Readonly<Partial<Record<IconName, IconShape>>>

let loaded = $state.raw<Shapes | null>(null)
let loading: Promise<void> | null = null

/** The shape of a rare icon; null until it has come. */
export function rareIcon(name: IconName): IconShape | null {
  return loaded?.[name] ?? null
}

/** Begins to fetch them. An icon stands beside words: without it nothing is lost, and the next one asks again. */
export function fetchRareIcons(): void {
  loading ??= import('./more-icons.ts').then(
    ({ moreIcons }) => {
      loaded = moreIcons
    },
    () => {
      loading = null
    },
  )
}
