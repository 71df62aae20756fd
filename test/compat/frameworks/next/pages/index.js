export default function Page() {
  return 'A page that next renders at build time.'
}
