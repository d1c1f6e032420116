import type { Problem } from '#lib/api/types.ts'

declare global {
  namespace App {
    interface Error {
      /** What to show, when the failure has words of its own. */
      problem?: Problem
    }
    interface PageState {
      /** The leave to choose a new password, from whoever denied a sign-in. */
      resetToken?: string
    }
  }
}
