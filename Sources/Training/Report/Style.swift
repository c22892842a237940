/// The looks of the page: one column on a phone, charts side by side where there is room, and the
/// colours that the reader's system asks for.
let reportStyle = """
  :root{color-scheme:light dark;--a:#0b57d0;--b:#a84300;--c:#1a7f37;--d:#8250df;--line:#8886;
  --l:34%;--page:#fff;--ink:#1b1b1f}
  @media (prefers-color-scheme:dark){:root{--a:#7ab7ff;--b:#f0a45d;--c:#6bc46d;--d:#d2b3ff;
  --l:68%;--page:#141418;--ink:#e6e6ea}}
  *{box-sizing:border-box}
  body{font:16px/1.5 system-ui,sans-serif;margin:0;background:var(--page);color:var(--ink);
  overflow-wrap:break-word}
  main{max-width:76rem;margin:auto;padding:1rem}
  h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0}h2{font-size:1.25rem;margin:2.2rem 0 .5rem}
  h3{font-size:1rem;margin:1.2rem 0 .3rem}p{max-width:48rem}
  nav{display:flex;flex-wrap:wrap;gap:.2rem .9rem;font-size:.9rem}a{color:var(--a)}
  .wide{overflow-x:auto}table{border-collapse:collapse}caption{text-align:left;font-weight:600}
  td,th{padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line)}
  td{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}th{text-align:left}
  tbody th{overflow-wrap:anywhere;min-width:7rem}thead th:not(:first-child){text-align:right}
  .charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,22rem),1fr));gap:1rem}
  figure{margin:.5rem 0;min-width:0}figcaption{font-weight:600}
  .chart svg{width:100%;height:auto;display:block}
  svg text{font:13px system-ui,sans-serif;fill:currentColor}svg .small{font-size:11px}
  svg .halo{paint-order:stroke;stroke:var(--page);stroke-width:3px;font-weight:600}
  .grid{stroke:var(--line);stroke-width:.6}.rule{stroke:currentColor;stroke-width:1.2}
  .legend{display:flex;flex-wrap:wrap;gap:.1rem 1rem;font-size:.85rem;margin:0;padding:0;
  list-style:none}.chart .legend svg{display:inline-block;width:28px;height:10px;vertical-align:middle;
  margin-right:.3rem}
  .gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(6.4rem,1fr));gap:.5rem;
  margin:0 0 .8rem;padding:.5rem;border:1px solid var(--line);border-radius:.4rem}
  .gallery h3{grid-column:1/-1;margin:0;font-size:.9rem}
  .gallery figure{margin:0}.gallery figcaption{font-weight:400;font-size:.75rem;line-height:1.25;
  overflow-wrap:anywhere}
  .gallery img,.gallery code{display:block;width:100%;border:2px solid var(--line)}
  .gallery img{aspect-ratio:1;object-fit:contain;image-rendering:pixelated;background:#808080}
  .gallery code{padding:.5rem .3rem}
  .gallery .hit>:first-child{border-color:var(--c)}
  .gallery .miss>:first-child{border:2px dashed var(--b)}
  pre{overflow-x:auto;padding:.8rem;border:1px solid var(--line);font-size:.8rem}
  code{font-size:.85em;overflow-wrap:anywhere}dt{font-weight:600}dd{margin:0 0 .5rem 1rem}
  .facts{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}.facts dd{margin:0;min-width:0}
  .verdict{border:1px solid var(--line);border-left:.5rem solid var(--ink);border-radius:.4rem;
  padding:.2rem 1rem;margin:.5rem 0 1rem}.verdict p{margin:.4rem 0}
  .verdict strong{font-size:1.05em}.verdict>p:first-child{font-size:1.2rem}
  .verdict.better{border-left-color:var(--c)}.verdict.worse{border-left-color:var(--b)}
  .mark{font-weight:600}
  .better .mark,.verdict.better>p:first-child{color:var(--c)}
  .worse .mark,.verdict.worse>p:first-child{color:var(--b)}
  p.small{font-size:.85rem}
  @media (max-width:30rem){.facts{grid-template-columns:1fr}.facts dd{margin-bottom:.4rem}
  td,th{padding-right:.5rem}.wide{font-size:.9rem}}
  @media (max-width:70rem){.cards,.cards tbody,.cards th,.cards td{display:block}
  .cards{max-width:40rem}.cards thead{display:none}
  .cards tr{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr) 8.6rem;gap:0 .5rem;
  padding:.4rem 0;border-bottom:1px solid var(--line)}
  .cards th,.cards td{border:0;padding:0;text-align:left}.cards th{grid-column:1/3}
  .cards td:nth-child(6){grid-column:1/3}
  .cards td::before{content:attr(data-column);display:block;font-size:.8rem;opacity:.8}}
  """
