"""Pages of `heorot view` in headless Chromium: they load, draw the right bodies at the right
positions, turn, zoom and play, without an error."""

import base64
import io
import re
import subprocess
import time
from contextlib import contextmanager

import h5py
import numpy as np
from harness import PROGRAM, check, heorot, require, scratch, write_snapshot
from PIL import Image
from selenium import webdriver
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By

SIZE = (800, 600)
PATIENCE = 60  # seconds
# Five bodies far from each other, without symmetry.
FEW = np.array([[-4.0, -3.0, 0], [4, -2, 1], [0, 0, 0], [-3, 3, -1], [2, 3.5, 0]])


def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
        "--enable-unsafe-swiftshader",
        "--use-angle=swiftshader",
        f"--window-size={SIZE[0]},{SIZE[1]}",
    ):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


class Page:
    """A page in the browser."""

    def __init__(self, driver, address):
        self.driver = driver
        driver.get_log("browser")
        driver.get(address)
        self.wait("window.heorot && heorot.frames > 0 && heorot.whole()", "is not loaded")
        self.settle()

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def get(self, expression):
        return self.run(f"return {expression}")

    def wait(self, condition, reason):
        end = time.monotonic() + PATIENCE
        while not self.get(f"Boolean({condition})"):
            require(time.monotonic() < end, f"{reason}: {self.get('document.getElementById(`message`).textContent')} {self.errors()}")
            time.sleep(0.05)

    def settle(self):
        """Waits until the request is drawn."""
        before = self.get("heorot.frames")
        self.run("redraw()")
        self.wait(f"heorot.frames > {before}", "nothing more is drawn")

    def picture(self):
        """The image of the canvas, from 0 to 1 [row, column, colour]."""
        self.settle()
        text = self.run("heorot.controls.drawNow(); return heorot.controls.canvas.toDataURL('image/png')")
        with Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2]))) as image:
            return np.asarray(image.convert("RGB"), float) / 255

    def key(self, key):
        ActionChains(self.driver).send_keys(key).perform()
        self.settle()

    def errors(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def spots(picture):
    """Centres of all separate bright spots [column, row], from the left."""
    bright = picture.max(axis=2) > 0.15
    left = set(map(tuple, np.argwhere(bright)))
    found = []
    while left:
        heap, spot = [left.pop()], []
        while heap:
            row, column = heap.pop()
            spot.append((column, row))
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            heap.extend(near)
        found.append(np.mean(spot, axis=0))
    return np.array(sorted(found, key=lambda spot: spot[0]))


def bodies_page(driver, name, frames, *options):
    """A page of snapshots with these positions."""
    folder = scratch(name)
    files = []
    for i, position in enumerate(frames):
        path = folder / f"s{i}.hdf5"
        write_snapshot(path, position, np.zeros_like(position), np.ones(len(position)))
        with h5py.File(path, "a") as file:
            file["Header"].attrs["Time"] = float(i)
        files.append(path)
    page = folder / "view.html"
    heorot("view", *files, "-o", page, *options).require_success()
    return Page(driver, page.as_uri())


def expected_spots(page, position, everything=None):
    """Expected positions of bodies on the page [pixels], seen from +z in perspective; the box is
    that of all positions."""
    everything = position if everything is None else everything
    side, x, y, z, distance = page.get("[description.side, ...description.home.centre, heorot.camera.distance]")
    eye = (position - everything.min(axis=0)) / side - [x, y, z]
    slope = eye[:, :2] / (distance - eye[:, 2:]) / np.tan(np.radians(20))
    canvas = np.array(page.get("[heorot.controls.canvas.width, heorot.controls.canvas.height]"))
    places = canvas / 2 + slope * [1, -1] * min(canvas) / 2
    return places[np.argsort(places[:, 0])]


def require_spots(found, expected, tolerance=2.0):
    require(len(found) == len(expected), f"{len(found)} spots instead of {len(expected)}")
    worst = np.abs(found - expected).max()
    require(worst < tolerance, f"spots are {worst:.1f} pixels off")


def draws_every_body(driver):
    page = bodies_page(driver, "few", [FEW])
    require(page.get("heorot.drawn") == len(FEW), f"{page.get('heorot.drawn')} bodies drawn")
    require_spots(spots(page.picture()), expected_spots(page, FEW))
    require(page.get("getComputedStyle(document.getElementById('player')).display") == "none", "one snapshot has a player")
    require(not page.errors(), f"the console has errors: {page.errors()}")


def turns_and_zooms(driver):
    page = bodies_page(driver, "turn", [FEW])
    before = spots(page.picture())
    stage = driver.find_element(By.ID, "stage")
    # A drag over a quarter of the shorter side turns by an eighth of a circle; x then points away
    # by this angle.
    height = page.get("Math.min(heorot.controls.canvas.clientWidth, heorot.controls.canvas.clientHeight)")
    ActionChains(driver, duration=50).move_to_element(stage).click_and_hold().move_by_offset(height // 4, 0).release().perform()
    rows = np.array(page.get("heorot.camera.rows()"))
    half = np.sqrt(0.5)
    require(np.abs(rows - [[half, 0, half], [0, 1, 0], [-half, 0, half]]).max() < 0.02, f"turned to {rows}")
    require(len(spots(page.picture())) == len(FEW) and np.abs(spots(page.picture()) - before).max() > 20, "the picture does not turn")
    page.key("r")
    require_spots(spots(page.picture()), before)

    ActionChains(driver).scroll_from_origin(ScrollOrigin.from_element(stage), 0, -200).perform()
    zoomed = spots(page.picture())
    growth = np.ptp(zoomed[:, 0]) / np.ptp(before[:, 0])
    require(1.3 < growth < 1.8, f"the wheel zooms by {growth}")
    page.key("r")
    for key, axes in (("y", (0, 2)), ("x", (1, 2)), ("z", (0, 1))):
        page.key(key)
        rows = np.array(page.get("heorot.camera.rows()"))
        require(np.allclose(rows[:2], np.eye(3)[list(axes)], atol=1e-6), f"{key} looks along {rows}")
    ActionChains(driver).key_down(Keys.SHIFT).move_to_element(stage).click_and_hold().move_by_offset(60, 0).release().key_up(Keys.SHIFT).perform()
    moved = spots(page.picture()) - before
    require(np.all(np.abs(moved[:, 0] - 60) < 12) and np.abs(moved[:, 1]).max() < 3, f"panned by {moved}")
    require(not page.errors(), f"the console has errors: {page.errors()}")


def fingers(driver):
    page = bodies_page(driver, "fingers", [FEW])
    distance = page.get("heorot.camera.distance")
    stage = driver.find_element(By.ID, "stage")
    hands = [PointerInput("touch", f"finger{i}") for i in range(2)]
    for hand, side in zip(hands, (-1, 1)):
        hand.create_pointer_move(duration=0, x=side * 50, y=0, origin=stage)
        hand.create_pointer_down(button=0)
        hand.create_pointer_move(duration=200, x=side * 100, y=0, origin=stage)
        hand.create_pointer_up(0)
    actions = ActionBuilder(driver)
    actions.devices = hands
    actions.perform()
    page.settle()
    factor = distance / page.get("heorot.camera.distance")
    require(1.7 < factor < 2.3, f"fingers twice as far apart zoom by {factor}")
    require(not page.errors(), f"the console has errors: {page.errors()}")


def plays(driver):
    """Bodies move on a parabola; between snapshots they must be on it too."""
    times = np.arange(6.0)
    frames = [FEW + np.array([0.4 * t, 0.1 * t * t, 0]) for t in times]
    page = bodies_page(driver, "plays", frames)
    require(page.get("heorot.player.last") == 5, "other than six snapshots")
    page.run("heorot.player.go(2.5)")
    between = FEW + np.array([1.0, 0.625, 0])
    require_spots(spots(page.picture()), expected_spots(page, between, np.concatenate(frames)))
    page.run("heorot.player.go(0)")
    page.settle()
    require(page.get("document.getElementById('time').textContent") == "t = 0.00", "another time than that of the first snapshot")
    page.key(" ")
    page.wait("heorot.player.at === 5 && !heorot.player.playing", "does not come to its end")
    require_spots(spots(page.picture()), expected_spots(page, frames[5], np.concatenate(frames)))
    require(page.get("document.getElementById('time').textContent") == "t = 5.00", "another time than that of the last snapshot")
    page.key(",")
    require(page.get("heorot.player.at") == 4, "a step back is none")
    require(not page.errors(), f"the console has errors: {page.errors()}")


def periodic_box(driver):
    """The edges of the box are drawn. A body that crosses a face between two snapshots does not cross the box, and nor
    does its trail."""
    folder = scratch("box")
    frames = [np.array([[9.4, 5.0, 5.0], [3.0, 3.0, 5.0]]), np.array([[0.2, 5.0, 5.0], [3.0, 3.0, 5.0]])]
    files = []
    for i, position in enumerate(frames):
        path = write_snapshot(folder / f"s{i}.hdf5", position, np.zeros_like(position), np.ones(2), side=10.0)
        with h5py.File(path, "a") as file:
            file["Header"].attrs["Time"] = float(i)
        files.append(path)
    heorot("view", *files, "-o", folder / "view.html").require_success()
    page = Page(driver, (folder / "view.html").as_uri())
    require(page.get("[description.periodic, description.side]") == [True, 10], "the page does not have the box")
    corner = np.zeros((1, 3))
    for at, x in ((0, 9.4), (0.5, 9.8), (0.9, 0.12), (1, 0.2)):
        page.run(f"heorot.player.go({at})")
        picture = page.picture()
        column, row = np.round(expected_spots(page, np.array([[x, 5.0, 5.0]]), corner)[0]).astype(int)
        lit = picture[row - 2 : row + 3, column - 2 : column + 3].max()
        require(lit > 0.6, f"no body is at x = {x} at {at}: {lit}")
        column, row = np.round(expected_spots(page, np.array([[5.0, 5.0, 5.0]]), corner)[0]).astype(int)
        require(picture[row - 2 : row + 3, column - 100 : column + 101].max() < 0.1, f"something crosses the box at {at}")
    page.key("t")
    picture = page.picture()
    require(picture[row - 2 : row + 3, column - 100 : column + 101].max() < 0.1, "a trail crosses the box")
    ends = np.array([[0.0, 0, 10], [10, 0, 10], [0, 10, 10], [10, 10, 10]])
    for a, b in ((0, 1), (0, 2), (1, 3), (2, 3)):
        column, row = np.round(expected_spots(page, 0.5 * (ends[a] + ends[b])[None], corner)[0]).astype(int)
        near = picture[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
        require(near.size > 0 and near.max() > 0.2, f"no edge at {column}, {row}")
    require(not page.errors(), f"the console has errors: {page.errors()}")


def odd_sets(driver):
    for name, position in (("one", np.zeros((1, 3))), ("heap", np.full((1000, 3), 3.0)), ("far", np.array([[0, 0, 0], [1e30, 0, 0]]))):
        page = bodies_page(driver, name, [position])
        require(page.get("heorot.drawn") == len(position), f"{name}: {page.get('heorot.drawn')} bodies drawn")
        require(len(spots(page.picture())) >= 1, f"{name}: nothing is to be seen")
        require(not page.errors(), f"{name}: the console has errors: {page.errors()}")


def many_bodies(driver):
    """Some of a hundred thousand bodies are chosen; colours and brightness change the image, which
    can be saved."""
    random = np.random.default_rng(5)
    page = bodies_page(driver, "many", [random.normal(size=(100_000, 3))], "--bodies", 30_000)
    require(page.get("heorot.drawn") == 30_000, f"{page.get('heorot.drawn')} bodies drawn")
    require("30,000 of 100,000" in page.get("document.getElementById('summary').textContent"), "the panel has another number")
    picture = page.picture()
    lit = (picture.max(axis=2) > 0.02).mean()
    white = (picture.min(axis=2) > 0.98).mean()
    require(0.1 < lit < 0.9 and white < 0.02, f"{lit:.0%} of the picture is lit, {white:.1%} is white")
    page.key("c")
    require(page.get("heorot.look.colouring") == "speed" and np.abs(page.picture() - picture).max() > 0.1, "colours by speed are those by type")
    page.key("c")
    page.key("b")
    require(page.picture().mean() > picture.mean() * 1.05, "b does not make it brighter")
    page.run("document.querySelector('#legend input').click()")
    require(page.picture().max() < 0.01, "a type that is switched off is drawn")
    page.run("document.querySelector('#legend input').click()")
    saved = page.run("const copy = heorot.controls.picture(); return [copy.width, copy.height]")
    twice = page.get("[2 * heorot.controls.canvas.width, 2 * heorot.controls.canvas.height]")
    require(saved == twice, f"an image of {saved} instead of {twice}")
    require(not page.errors(), f"the console has errors: {page.errors()}")


def galaxies_and_trails(driver):
    """Two galaxies of many bodies have two colours. A black hole of a type of its own is a larger point
    that leaves a trail, and is there although few bodies are chosen."""
    random = np.random.default_rng(7)
    folder = scratch("galaxies")
    files = []
    for i in range(3):
        position = random.normal(size=(2001, 3)) * 0.3
        position[:1000, 0] -= 3
        position[1000:2000, 0] += 3
        position[2000] = [-1.0 + i, 2.5, 0]
        types = np.array([1] * 2000 + [5])
        path = write_snapshot(folder / f"s{i}.hdf5", position, np.zeros_like(position), np.ones(2001), types)
        with h5py.File(path, "a") as file:
            file["Header"].attrs["Time"] = float(i)
        files.append(path)
    page = folder / "view.html"
    heorot("view", *files, "-o", page, "--galaxies", "0-999,1000-1999", "--bodies", 200).require_success()
    page = Page(driver, page.as_uri())
    require(page.get("heorot.drawn") == 201, f"{page.get('heorot.drawn')} bodies drawn")
    page.run("heorot.player.go(2)")
    plain = page.picture()
    page.key("t")
    require(page.get("heorot.look.trails"), "t does not switch trails on")
    trail = page.picture()
    require(trail.sum() > plain.sum() * 1.01, "no trail is drawn")
    page.key("t")
    page.key("c")
    page.key("c")
    require(page.get("heorot.look.colouring") == "galaxy", "the third colouring is another")
    picture = page.picture()
    below = picture[picture.shape[0] // 3 :]
    halves = [half.sum(axis=(0, 1)) for half in np.split(below, [below.shape[1] // 2], axis=1)]
    blue, orange = (half / half.sum() for half in halves)
    require(blue[2] > orange[2] + 0.1 and orange[0] > blue[0] + 0.1, f"colours of the galaxies: {blue} and {orange}")
    require(not page.errors(), f"the console has errors: {page.errors()}")


@contextmanager
def served(*arguments):
    """A server, and its address."""
    command = [str(PROGRAM), "view", *map(str, arguments), "--serve"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield re.match(r"(http://127\.0\.0\.1:\d+/)", process.stdout.readline())[1]
    finally:
        process.terminate()  # background processes of a shell may ignore SIGINT
        process.wait(10)


def serves_in_pieces(driver):
    random = np.random.default_rng(6)
    folder = scratch("served")
    position = random.normal(size=(300_000, 3))
    file = write_snapshot(folder / "s.hdf5", position, position, np.ones(len(position)))
    with served(file) as address:
        page = Page(driver, address)
        require(page.get("heorot.drawn") == 300_000, f"{page.get('heorot.drawn')} bodies drawn")
        asked = page.get("performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)")
        require({"/kinds", "/frames/0/0", "/frames/0/1"} <= set(asked), f"asked for {asked}")
        require(not page.errors(), f"the console has errors: {page.errors()}")


driver = browser()
try:
    for what, test in (
        ("every body is drawn at its place", draws_every_body),
        ("hand and keys turn, zoom and pan", turns_and_zooms),
        ("two fingers zoom", fingers),
        ("a sequence plays, smooth between snapshots", plays),
        ("a periodic box has edges, and bodies go through its faces", periodic_box),
        ("one body, a heap, and bodies far apart", odd_sets),
        ("many bodies, colours, brightness, types, image", many_bodies),
        ("galaxies in their colours, a black hole and its trail", galaxies_and_trails),
        ("served in pieces", serves_in_pieces),
    ):
        check(what, test, driver)
finally:
    driver.quit()
