// The page begins.

const home = document.title;
setUpTheme();
if (document.getElementById("search")) setUpOverview();
addEventListener("hashchange", route);
route();
if (typeof follow === "function") follow();
