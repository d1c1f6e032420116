/** A list that is asked for again and again while the page is looked at. */
import { onMount } from 'svelte'

const EVERY_MS = 2000

export class Followed<Item> {
  /** The last that was told; null: nothing was yet. */
  items = $state.raw<readonly Item[] | null>(null)
  /** The newest question was not answered: what was told may no longer be so. */
  isSilent = $state(false)

  /** Of a component, from when it is shown until it goes. */
  constructor(read: () => Promise<{ items: readonly Item[] }>) {
    const look = async () => {
      if (document.hidden) return
      try {
        this.items = (await read()).items
        this.isSilent = false
      } catch {
        this.isSilent = true
      }
    }
    onMount(() => {
      void look()
      const timer = setInterval(() => void look(), EVERY_MS)
      return () => clearInterval(timer)
    })
  }
}
