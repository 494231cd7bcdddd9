// Runs before the first paint, so that a chosen theme never flashes the other one.
(() => {
  const names = ["auto", "light", "dark"];
  const read = () => {
    try {
      return localStorage.getItem("zibrato.theme");
    } catch {
      return null; // storage is off: the choice lasts as long as the page
    }
  };
  const apply = (name) => {
    document.documentElement.dataset.theme = name;
    dispatchEvent(new CustomEvent("theme", { detail: name }));
  };
  apply(names.includes(read()) ? read() : "auto");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    apply(document.documentElement.dataset.theme),
  );
  window.nextTheme = () => {
    const name = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % 3];
    try {
      localStorage.setItem("zibrato.theme", name);
    } catch {
      // as above
    }
    apply(name);
  };
})();
