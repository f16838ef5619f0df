"""Words that carry grammar rather than meaning: articles, pronouns, prepositions, auxiliaries, question words.

Short lists on purpose. The libraries that ship stop words list four to ten times as many, content words among them
("computer", "details", "system" in English), which a question about just that would lose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_LISTS = {
    "en": "a an the and or but nor so if then than that this these those there here it its it's he him his she"
    " her hers they them their theirs we us our ours you your yours i me my mine myself yourself himself"
    " herself itself themselves ourselves who whom whose which what when where why how is am are was were be"
    " been being isn't aren't wasn't weren't do does did doing done don't doesn't didn't have has had having"
    " haven't hasn't hadn't can could cannot can't couldn't will would won't wouldn't shall should shouldn't"
    " may might must let let's of in on at by for from to with without into onto upon about above below over"
    " under between among through during before after against as until while because since not no yes up down"
    " out off again too very just also only both each any some such own same other i'm i've i'd i'll you're"
    " you've we're we've they're that's what's there's please tell",
    "de": "der die das den dem des ein eine einer eines einem einen kein keine keiner keines keinem keinen und"
    " oder aber sondern denn doch wenn als ob weil dass daß damit so wie was wer wem wen wessen wann wo wohin"
    " woher warum wieso weshalb welche welcher welches welchem welchen ich du er sie es wir ihr mich mir dich"
    " dir ihn ihm uns euch ihnen sich mein meine dein deine sein seine seiner seinem seinen unser unsere euer"
    " eure ihre ihrer ihrem ihren ist sind war waren bin bist seid wird werden wurde wurden worden habe hast"
    " hat haben hatte hatten kann kannst können könnte muss müssen soll sollen sollte darf dürfen will wollen"
    " möchte mag in im an am auf aus bei beim mit nach von vom vor zu zum zur für über unter um durch gegen"
    " ohne bis seit zwischen während wegen nicht nur auch noch schon sehr mehr hier da dort dann nun ja nein"
    " man dieser diese dieses diesem diesen jener jene jenes etwas alle alles bitte",
    "fr": "le la les l un une des du de d au aux ce cet cette ces c et ou mais donc or ni car si que qu qui"
    " quoi dont où quand comment pourquoi combien quel quelle quels quelles je j tu il elle on nous vous ils"
    " elles me m te t se s lui leur leurs y en mon ma mes ton ta tes son sa ses notre nos votre vos moi toi"
    " soi eux est sont était étaient être été suis es sommes êtes sera seront serait a ai as avons avez ont"
    " avait avaient avoir eu fait faire peut peuvent pouvoir doit dois dans sur sous par pour avec sans vers"
    " chez entre avant après pendant depuis contre ne n pas plus non oui aussi très tout tous toute toutes"
    " même comme puis alors ici là cela ça ceci qu'est c'est d'un d'une n'est",
    "es": "el la los las lo un una unos unas de del al a y e o u pero sino ni si que qué quien quién quienes"
    " cual cuál cuáles cuales cuando cuándo donde dónde como cómo cuánto cuanto cuántos por porque para con"
    " sin sobre entre hasta desde hacia según tras durante contra en yo tú él ella ello nosotros vosotros"
    " ellos ellas usted ustedes me te se nos os le les mi mis tu tus su sus nuestro nuestra nuestros nuestras"
    " este esta esto estos estas ese esa eso esos esas aquel aquella es son era eran fue fueron ser sido soy"
    " eres somos está están estaba estar he ha has han había haber hay hace hacer puede pueden puedo poder"
    " debe no sí más muy también ya así tan todo todos toda todas",
    "it": "il lo la i gli le l un uno una di del dello della dei degli delle d a al allo alla ai agli alle da"
    " dal dalla dai in nel nella nei nelle con su sul sulla per tra fra e ed o ma se che chi cui quale quali"
    " quando dove come perché quanto quanti io tu lui lei noi voi loro mi ti si ci vi ne mio mia tuo tua suo"
    " sua suoi sue nostro nostra vostro questo questa questi queste quello quella è sono era erano essere"
    " stato stata sei siamo ha ho hai hanno aveva avere può possono deve non più anche molto già così tutto"
    " tutti",
    "pt": "o a os as um uma uns umas de do da dos das em no na nos nas ao à aos às por pelo pela para com sem"
    " sobre entre até desde e ou mas se que quem qual quais quando onde como porque porquê quanto quantos eu"
    " tu ele ela nós vós eles elas você vocês me te lhe lhes meu minha seu sua seus suas nosso nossa este esta"
    " isto esse essa isso aquele aquela é são era eram foi foram ser sido está estão estava estar tem têm"
    " tinha ter há pode podem deve não sim mais muito também já",
    "nl": "de het een en of maar want als dat die dit deze daar hier er ik jij je hij zij ze wij we jullie u"
    " mij me jou hem haar ons hun hen mijn jouw zijn uw wie wat waar wanneer waarom hoe welke welk is ben bent"
    " was waren wordt worden werd heb hebt heeft hebben had kan kunnen moet moeten zal zullen zou wil mag in"
    " op aan bij met van voor door over onder uit naar om tot tussen na tegen zonder te niet geen ook nog al"
    " wel dan zo meer",
    "sv": "en ett den det de dem och eller men som att om när var vad vem vilken vilket vilka hur varför jag"
    " du han hon vi ni mig dig sig min mitt din sin hans hennes vår er deras är vara varit blir bli har hade"
    " ha kan kunde ska skulle vill måste i på av för med till från vid över under mellan efter före utan inte"
    " ej också mycket mer så då nu här där denna detta",
    "da": "en et den det de dem og eller men som at om når hvor hvad hvem hvilken hvilket hvilke hvordan"
    " hvorfor jeg du han hun vi i mig dig sig min mit din sin hans hendes vores jeres deres er var være været"
    " bliver blive har havde have kan kunne skal skulle vil ville må på af for med til fra ved over under"
    " mellem efter før uden ikke også meget mere så da nu her der",
    "no": "en ei et den det de dem og eller men som at å om når hvor hva hvem hvilken hvilket hvilke hvordan"
    " hvorfor jeg du han hun vi dere meg deg seg min mitt din sin hans hennes vår deres er var være vært blir"
    " bli har hadde ha kan kunne skal skulle vil ville må i på av for med til fra ved over under mellom etter"
    " før uten ikke også mye mer så da nå her der",
    "pl": "i a oraz lub albo ale że żeby aby czy jeśli jak kiedy gdzie dlaczego kto co który która które ile"
    " ja ty on ona ono my wy oni one mnie mi cię ci go mu jej ją nas nam was wam ich im się mój moja twój jego"
    " swój nasz wasz ten ta to te tego tej tym jest są był była było były być będzie ma mają może można w we"
    " na z ze do od dla po przy przez pod nad o u bez nie tak też już tylko bardzo",
    "ru": "и а но или что чтобы если как когда где куда откуда почему зачем кто какой какая какое какие"
    " который которая которые сколько чей я ты он она оно мы вы они меня мне тебя тебе его ему её ее ей нас"
    " нам вас вам их им себя мой моя твой свой наш ваш этот эта это эти тот та то те быть был была было были"
    " есть будет может можно нужно в во на с со к ко от до из у о об по за для при без под над между через не"
    " ни да нет же ли бы уже только ещё еще также очень так вот",
    "tr": "ve veya ya da de ama fakat ki ise eğer ne nerede nereye nasıl neden niçin niye kim hangi kaç ben"
    " sen o biz siz onlar bana sana ona bize size benim senin onun bu şu bir mi mı mu mü için ile gibi kadar"
    " göre sonra önce değil var yok çok daha en her olan olarak oldu",
    "ar": "في من إلى الى على عن مع هذا هذه ذلك تلك التي الذي الذين ما ماذا متى أين كيف لماذا هل أي كم هو هي هم"
    " نحن أنا أنت كان كانت يكون تكون قد لقد لا لم لن ليس أو او و ثم إن ان أن كل بعد قبل بين عند حتى إذا اذا"
    " كما أيضا",
    "hi": "का के की को से में पर है हैं था थे थी हो होना होता होती होते और या लेकिन कि जो यह ये वह वे इस उस इन उन एक ने तो"
    " ही भी नहीं न क्या कब कहाँ कहां कैसे क्यों कौन किस कितना कितने कितनी मैं हम तुम आप मेरा हमारा आपका अपना कर करने किया"
    " लिए साथ बाद जब तब अगर",
    "zh": "的 了 是 在 和 与 與 及 或 也 都 就 不 我 你 他 她 它 们 們 这 這 那 什么 什麼 怎么 怎麼 如何 哪里"
    " 哪裡 哪个 为什 為什 吗 嗎 呢 吧 有 我们 我們 你们 他们 多少",
    "ja": "です ます した する して いる ある この その あの どの これ それ どこ いつ なぜ どう ため から まで"
    " など もの こと ので った ても でし まし ませ せん ない の は が を に で と も へ か",
    "th": "และ หรือ แต่ ที่ ของ ใน จาก ให้ เป็น ได้ ไม่",
}

FUNCTION_WORDS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split()) for language, words in _LISTS.items()
}
"""Primary language subtag -> function words, case-folded, with their diacritics; for Chinese and Japanese single
characters and the pairs that make up longer words."""
