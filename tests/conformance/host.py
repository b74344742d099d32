"""A nexus-pbs set up as a case wants it. Cases with the same setup share one process."""
import json
import pathlib
import re
import shutil
import sys
import tempfile

from compare import without

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from pbs_stack import BIN, Process, free_port, request  # noqa: E402

# Bidders that the reference has and that cases may name although this server has no code for them.
NAMES = """33across aceex acuityads adf adgeneration adhese adkernel adkernelAdn adman admixer adnuntius adocean adoppler adot
adpone adprime adquery adrino adsinteractive adsyield adtarget adtelligent advangelists adview adxcg adyoulike aidem
aja algorix alkimi amx apacdex appnexus appush audienceNetwork axis axonix bcmint beachfront beintoo bematterfull
between beyondmedia bidmachine bidmyadz bidscube bidstack bliink blue bluesea bmtm boldwin brave bwx ccx clickio
colossus compass concert connectad consumable conversant copper6ssp cpmstar criteo datablocks decenterads deepintent
definemedia dianomi displayio districtm dmx dxkulture e_volution edge226 emtv emx_digital eplanning epom escalax
evtech facebook felixads filmzie flipp freewheelssp frvradn gamma gamoji globalsun goldbach gravite grid gumgum
huaweiads imds impactify improvedigital infytv inmobi insticator interactiveoffers invibes iqx iqzone ix janet jixie
kargo kayzen kidoz kiviads krushmedia lemmadigital limelightDigital lmkiviads lockerdome logan logicad loopme loyal
lunamedia madsense madvertise markapp marsmedia mediago medianet mediasquare metax mgid minutemedia missena mobfoxpb
mobilefuse mobupps motorik msft mwork nativery nativo nextmillennium nexx nobid oms onetag openweb openx operaads
optidigital oraki orbidder orki outbrain ownadx pangle pgam pgamssp playdigo pubmatic pubnative pubrise pubwise
pulsepoint pwbid qt readpeak relevantdigital resetdigital revcontent revx richaudience rise robustApps rtbhouse
rtbstack rubicon sa_lunamedia salunamedia screencore seedingAlliance seedtag sharethrough silvermob silverpush smaato
smartadserver smarthub smartrtb smartx smartyads smilewanted smoot smrtconnect sonobi sovrn sparteo sspBC startio
stroeerCore suntContent synacormedia taboola tappx teads teal telaria theadx themediatrust thetradedesk tpmn tradplus
trafficgate tredio triplelift triplelift_native trustedstack trustx ucfunnel undertone unicorn unruly valueimpression
vidazoo videobyte videoheroes vidoomy visiblemeasures visx vox vrtcal vungle xapads xeworks xtrmqb yahooAds
yahooAdvertising yahooSSP yandex yeahmobi yearxero yieldlab yieldmo yieldone zentotem zeroclickfraud zeta_global_ssp
zmaticoo""".split()
ALIASES = {"adform": "adf"}

# Parameters that the cases give are not those that the bidders' own schemas ask for today, but where a case says
# so (realParamsValidator). The reference's test server accepts whatever is an object or text it can read.
STORED = pathlib.Path(__file__).with_name("stored")


def merge(a, b):
    out = dict(a)
    for k, v in b.items():
        out[k] = merge(out[k], v) if isinstance(v, dict) and isinstance(out.get(k), dict) else v
    return out


class Setup:
    """What a process depends on; two cases with equal setups may share it."""

    def __init__(self, config=None, infos=None, params=False, responses=None, requests=None, imps=None, default=None):
        self.config, self.infos, self.params, self.default = config or {}, infos or {}, params, default
        self.stored = {"stored_responses": responses or {}, "stored_requests": requests or {}, "stored_imps": imps or {}}

    def key(self):
        return json.dumps([self.config, self.infos, self.params, self.default, self.stored], sort_keys=True)


class Host:
    def __init__(self, setup, mock, vectors):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="conformance-"))
        self.port = free_port()
        infos, params, stored = (self.folder / d for d in ("bidder-info", "bidder-params", "stored"))
        infos.mkdir()
        params.mkdir()
        shutil.copytree(STORED, stored)
        for kind, bodies in setup.stored.items():
            (stored / kind).mkdir(exist_ok=True)
            for name, body in bodies.items():
                (stored / kind / f"{name}.json").write_text(json.dumps(body))
        for name in [*NAMES, *ALIASES, *(n for n in setup.infos if n not in NAMES and n not in ALIASES)]:
            (infos / f"{name}.yaml").write_text(json.dumps(self.info(name, setup.infos.get(name, {}), mock)))
        if setup.params:
            for file in (vectors / "params").glob("*.json"):
                shutil.copy(file, params)
        config = merge({"bidder_info_dir": str(infos), "bidder_params_dir": str(params), "auto_gen_source_tid": False,
                        "stored_requests": {"directory": str(stored)},
                        "category_mapping": {"directory": str(stored / "category_mapping")},
                        "debug": {"warn_always_when_off": True},
                        "cache": {"scheme": "http", "host": f"127.0.0.1:{mock.port}"}},
                       setup.config)
        if setup.default is not None:
            default = self.folder / "default.json"
            default.write_text(json.dumps(setup.default))
            config["default_request"] = {"file": {"name": str(default)}}
        rates = self.folder / "rates.json"
        rates.write_text(json.dumps({"conversions": config.pop("currency_rates", {"USD": {"USD": 1}})}))
        config["currency_converter"] = {"fetch_url": "", "file": str(rates)}
        env = {"PBS_HOST": "127.0.0.1", "PBS_PORT": str(self.port), "PBS_ADMIN_PORT": str(free_port()),
               "AUTH_ENABLED": "false", "PBS_WORKERS": "1", "IDR_ENABLED": "false", "LOG_LEVEL": "info",
               "RATE_LIMIT_RPS": "0"}
        self.start(config, env)

    def start(self, config, env):
        """A server that does not know a key runs without it; what the case then misses it reports itself."""
        file = self.folder / "pbs.yaml"
        while True:
            file.write_text(json.dumps(config))
            self.process = Process("nexus-pbs", [BIN / "nexus-pbs", "--config", file], self.folder, env)
            try:
                return self.process.wait_ready(self.port, "/ready")
            except AssertionError:
                unknown = re.findall(r"line \d+: ([\w.]+): unknown key", self.process.log())
                self.process.stop()
                if not unknown:
                    raise
                self.process.log_path.unlink()
                for path in unknown:
                    config = without(config, path)

    @staticmethod
    def info(name, extra, mock):
        media = {"mediaTypes": ["banner", "video", "audio", "native"]}
        if name in ALIASES:
            return merge({"aliasOf": ALIASES[name], "endpoint": mock.url(name)}, extra)
        return merge({"endpoint": mock.url(name), "adapter": "generic", "maintainer": {"email": "bidder@example.com"},
                      "capabilities": {"site": media, "app": media, "dooh": media}}, extra)

    def post(self, path, body, headers):
        return request(self.port, "POST", path, body, headers)

    def get(self, path, headers=None):
        return request(self.port, "GET", path, None, headers)

    def stop(self):
        self.process.stop()
        if self.process.proc.returncode != 0:
            raise AssertionError(f"nexus-pbs ended with {self.process.proc.returncode}:\n{self.process.log()[-3000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)


class Hosts:
    """Keeps the last few setups running."""

    def __init__(self, mock, vectors, keep=2):
        self.mock, self.vectors, self.keep, self.running = mock, vectors, keep, {}

    def get(self, setup):
        key = setup.key()
        if key not in self.running:
            while len(self.running) >= self.keep:
                self.running.pop(next(iter(self.running))).stop()
            self.running[key] = Host(setup, self.mock, self.vectors)
        return self.running[key]

    def stop(self):
        for host in self.running.values():
            host.stop()
        self.running = {}
