"""Words that end in a full stop without ending a sentence, for the languages that Octavo divides.

The sets of all languages are used at once: documents mix languages, and a language guess is often wrong on short texts.
Where a word of one language is an abbreviation of another ("art", "no", "sat"), it stands in
:data:`BEFORE_NUMBERS` and counts only before a number.
"""

from __future__ import annotations


def _words(*lists: str) -> frozenset[str]:
    return frozenset(word for words in lists for word in words.split())


NEVER_FINAL = _words(
    # English
    "mr mrs ms messrs dr drs prof rev hon sen rep gov gen col capt cpt cmdr lt sgt maj adm pvt supt insp amb"
    " pres st ste mt ft vs viz cf eg ie approx resp incl esp dept univ e.g i.e a.k.a mx",
    # German
    "hr fr frl dipl ing med phil jur rer nat habil kath ev hl bzw vgl sog ggf ggfs evtl inkl exkl einschl zzgl"
    " insb bspw allg geb gest verh gem bes betr bzgl ehem eigtl entspr erg franz engl dt gegr jew lat mdl mtl"
    " näml od österr preuß röm schriftl schweiz spez stellv städt südl nördl östl westl urspr verb versch wiss"
    " zus zit u.a z.b d.h m.e i.d.r u.ä s.o s.u z.t o.ä i.e u.u z.zt d.i z.z hrsg abt ca",
    # French
    "mm mme mmes mlle mlles mgr vve dr pr env c.-à-d p.ex ex chap éd trad av apr boul bld qqch qqn",
    # Spanish, Portuguese, Italian, Dutch
    "sra srta sres sras dra dña lic arq ud uds vd vds admón avda gral cnel p.ej pág págs núm dto izq dcha"
    " excmo ilmo ee sig sigg sigra dott ssa avv egr gent spett on dhr mevr mw drs ir bijv evt enz d.w.z m.a.w",
    # Polish, Czech, Russian, Ukrainian
    "np tzw mgr inż ul tj tzn lek hab prof św mj např tzv viz г ул им т.е т.к т.н напр см проф акад стр",
    # Hindi, Arabic
    "डॉ डा श्री सुश्री प्रो पं मो रु",
    "د أ م ص",
)
"""Never the last word of a sentence when another word follows."""

SOMETIMES_FINAL = _words(
    # English
    "etc co corp inc ltd llc plc jr sr esq bros al et.al ph.d phd m.d b.a m.a b.sc m.sc ed eds trans dec assn"
    " ave blvd rd a.m p.m am pm u.s u.k u.n e.u d.c b.c a.d est govt intl natl mfg",
    # German
    "usw u.dgl dgl gmbh mio mrd tsd std min sek str pl d.j d.m n.chr v.chr chr e.v ag jh jhd jhdt bd",
    # French, Spanish, Italian, Dutch, Russian
    "cie sté s.a s.a.s s.l ee.uu uu ltda cía hnos s.r.l s.p.a ecc aa.vv b.v n.v руб коп тыс млн млрд гг др пр т.д т.п",
)
"""Abbreviations that also close sentences: the next word decides."""

BEFORE_NUMBERS = _words(
    # numbering in several languages
    "no nos nr nrn num núm nums n° nº № p pp pg pgs pag págs pág s ss v vv vol vols bd bde t iss ch chap cap"
    " kap sec sect sek abs art arts §§ par para fig figs figg abb tab tabl table eq eqs ex exx ref refs app"
    " anh anm anl z ziff rn rz bl lfd ver vers rev ext tel tél telef fax fn f ff fol hft jg jhg lit st ser op"
    " pos pt pts punkt sp spp stk tit aufl ed cra cl blz hfst artt c cc párr párrf",
    # quantities
    "ca circa max min approx abt avg mind zirka env aprox",
    # months and days
    "jan feb febr mar mär mrz apr may jun juni jul juli aug ago sep sept okt oct nov dec dez dic ene abr janv"
    " févr avr juil déc gen mag giu lug set ott mon tue tues wed thu thur thurs fri sat sun lun mié jue vie"
    " sáb dom",
)
"""Abbreviations before a number only; elsewhere they are words ("No. That is wrong.")."""

MONTHS = _words(
    "januar jänner februar feber märz april mai juni juli august september oktober november dezember",
    "januari februari maart mei juni juli augustus oktober december januar februar marts maj",
    "ledna února března dubna května června července srpna září října listopadu prosince",
    "jan feb mär mrz apr jun jul aug sep sept okt nov dez",
)
"""Follow an ordinal number that is written with a full stop ("am 3. Oktober")."""

ORDINAL_NOUNS = _words(
    "jahrhundert jahrhunderts jahrhunderte jahrtausend jahrtausends jh jhd jhdt weltkrieg weltkriegs auflage"
    " klasse kapitel kapitels absatz absatzes etage stock stockwerk obergeschoss untergeschoss platz liga mal"
    " tag tages woche monat monats quartal quartals halbjahr jahr jahres lebensjahr lebensjahres semester"
    " schuljahr spieltag bundestag wahlperiode legislaturperiode generation sinfonie symphonie satz akt band"
    " teil stunde minute geburtstag hochzeitstag jahrestag advent ordnung grades grad bezirk armee division"
    " buch senat zivilsenat strafsenat runde stufe"
)
"""German nouns that follow an ordinal."""

ORDINAL_DETERMINERS = _words(
    "am im vom zum zur beim ab bis seit der die das dem den des ein eine einem einen einer eines jeder jede"
    " jedes jedem jeden dieser diese dieses diesem diesen unser unsere ihr ihre sein seine mein meine kein"
    " keine erst d. um gegen pro"
)
"""A number with a full stop after one of these is an ordinal ("der 3. Mann")."""

STARTERS = _words(
    # English
    "the this that these those there they he she it we you in on at for from to as if when while what who whom"
    " whose why how where which but and or yet however although though because since after before during with"
    " without by our your his her its their my a an all both each every many some most no not now then here"
    " such thus therefore hence moreover furthermore nevertheless meanwhile also finally first second third"
    " did do does is are was were can could would should will have has had please let nobody nothing one once"
    " only other others another several so still today under until upon unlike using despite given instead"
    " perhaps maybe yes well just even i",
    # German
    "der die das ein eine einer eines einem einen er sie es wir ihr ich du und aber oder auch dann da dies"
    " diese dieser dieses im am an auf bei mit nach von vom zu zum zur wenn als ob obwohl weil wer wie was wo"
    " hier dort so nun doch jedoch deshalb daher damit dabei danach außerdem alle viele einige man mein seine"
    " ihre unsere für über unter vor durch ohne seit während trotz kein keine nicht nur noch jetzt heute bitte",
    # French
    "le la les l un une des il elle ils elles on nous vous je tu ce cet cette ces c et mais ou donc or dans en"
    " sur pour par avec sans si quand comme lorsque après avant depuis pendant selon son sa ses leur leurs"
    " notre nos votre vos mon ma mes tous toutes cependant toutefois ainsi alors aussi puis enfin qui que quel"
    " quelle où pourquoi comment est à au aux",
    # Spanish, Portuguese, Italian, Dutch
    "el los las lo una uno unos unas él ella ellos ellas yo nosotros usted ustedes y pero o en con por para"
    " cuando como este esta estos estas ese esa eso su sus mi al del sin según desde hasta tras aunque además"
    " también así no sí qué quién cómo dónde os as um uma ele ela eles elas eu nós você mas na nos nas com"
    " quando seu sua il gli i egli lei noi voi essi e ma nel nella per questo questa questi suo è non de het"
    " een hij zij wij ik maar van met voor als dit deze er ook niet",
    # Russian, Ukrainian
    "и но а в на с по он она оно они мы вы я это этот эта эти как когда если что кто где не для после до при"
    " также однако",
)
"""Words that open a sentence far more often than they continue a name."""

NAME_PARTICLES = _words("le la les de du des el los las al da di do van von i a an no so will my die et y e o u")
"""Starters that also stand inside names, and so prove nothing after an initial ("M. Le Goff")."""
