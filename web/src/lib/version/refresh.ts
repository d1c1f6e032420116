/** Takes the new version now: what is under way is brought to a stop from which it goes on. */
import { openTasks } from '#lib/upload/tasks.svelte.ts'

export async function refreshApp(): Promise<void> {
  if (openTasks().length > 0) {
    // What has arrived stays on the server; its list of unfinished uploads is where it goes on.
    const { pauseAllUploads } = await import('#lib/upload/manager.ts')
    pauseAllUploads()
  }
  location.reload()
}
