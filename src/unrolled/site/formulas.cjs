// Sets formulas while the book is built: reads [[tex, display], …], writes their HTML and the style sheet of all.
// Run by formulas.py: node formulas.cjs FOLDER-OF-MATHJAX FOLDER-OF-FONTS < formulas.json
const [folder, fonts] = process.argv.slice(2);
const jobs = JSON.parse(require("fs").readFileSync(0, "utf8"));

// No package that writes links, classes or styles, and none that would show an unknown command in place of a fault.
const packages = ["ams", "newcommand", "boldsymbol"];

async function main() {
  const load = ["input/tex-base", "output/chtml", "a11y/assistive-mml", ...packages.map((name) => `[tex]/${name}`)];
  const MathJax = await require(`${folder}/node-main.js`).init({
    loader: { load, paths: { mathjax: folder }, require },
    tex: { packages: ["base", ...packages] },
    chtml: { fontURL: fonts },
    startup: { typeset: false },
  });
  const { adaptor } = MathJax.startup;
  const formulas = [];
  for (const [tex, display] of jobs) formulas.push(adaptor.outerHTML(await MathJax.tex2chtmlPromise(tex, { display })));
  process.stdout.write(JSON.stringify({ formulas, css: adaptor.textContent(MathJax.chtmlStylesheet()) }));
}

main().catch((error) => {
  console.error(String(error?.message ?? error));
  process.exit(1);
});
