/** Any other address: the error page, without asking the server again, which answers with this same shell. */
import { error } from '@sveltejs/kit'

export const load = () => error(404)
