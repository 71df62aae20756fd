export async function scaling() { return { results: {}, tables: [] } }
