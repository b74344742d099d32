// The publisher's build of Prebid.js: the core and the modules that the page uses.
import pbjs from 'prebid.js';
import 'prebid.js/modules/prebidServerBidAdapter';
import 'prebid.js/modules/consentManagementTcf';
import 'prebid.js/modules/currency';
import 'prebid.js/modules/priceFloors';
import 'prebid.js/modules/userId';
import 'prebid.js/modules/sharedIdSystem';
import 'prebid.js/modules/nativeRendering';

pbjs.processQueue();
