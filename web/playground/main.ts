import { at, h } from "../shared/dom";

at("page").append(h("h1", {}, "seefar"));
